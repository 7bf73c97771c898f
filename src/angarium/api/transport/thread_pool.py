"""A few threads for requests that may block.

The event loop's thread never waits, so whatever may wait is done here
(docs/adr/0006).
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Mapping

from angarium.api.interface import ExecutionMode
from angarium.api.transport.fair_queue import FairQueue, Job
from angarium.api.transport.limits import ServerLimits
from angarium.api.transport.switch_interval import SwitchInterval
from angarium.threads import NamedThread

__all__ = ["Job", "ThreadPool", "make_pools"]

HASHING_NICENESS = 5
"""How much the hashing threads' priority is lowered. At nice +5 such a
thread weighs a third of the others when the cores are busy, so that
logins become slower then, and sends do not. With a tenth (nice +10)
logins waited for seconds on a busy machine.
"""


class ThreadPool:
    """A few threads, fed by a fair queue with a maximum size."""

    def __init__(
        self,
        name: str,
        threads: int,
        queue: FairQueue,
        niceness: int = 0,
        watch: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Set up the pool; `start` starts its threads.

        Args:
            name: Of the threads, which are called `name-0`, `name-1` …
            threads: How many.
            queue: Where its jobs wait.
            niceness: How much the threads' priority is lowered, 0 to
                19; only on Linux, where each thread has a priority.
            watch: Called with the number of jobs that wait or run, when
                one of them begins and when it has ended.
        """
        self._name = name
        self._size = threads
        self._queue = queue
        self._niceness = niceness
        self._watch = watch
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads.

        They are daemons: one that hangs does not keep the process
        alive.
        """
        for number in range(self._size):
            thread = NamedThread(target=self._work, name=f"{self._name}-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def submit(self, job: Job) -> Job | None:
        """Queue a job.

        Args:
            job: Run on one of the threads; must not raise.

        Returns:
            The job that lost its place, this one or another; None if
            there was room.
        """
        return self._queue.put(job)

    def withdraw(self, job: Job) -> bool:
        """Take back a job whose result nobody needs any more.

        Args:
            job: What was submitted.

        Returns:
            True if it never runs; False if a thread has taken it, or
            it was displaced.
        """
        return self._queue.remove(job)

    def displace(self, more_than: int) -> Job | None:
        """Take back the newest job of the flow with the most jobs.

        Args:
            more_than: A flow with as many jobs or fewer keeps them.

        Returns:
            The job, None if no flow has more.
        """
        return self._queue.displace(more_than)

    def close(self, timeout_s: float) -> None:
        """Let the threads finish their current jobs, and no more.

        Args:
            timeout_s: For all threads together; one that hangs is left
                behind.
        """
        self._queue.close()
        give_up = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, give_up - time.monotonic()))

    def _work(self) -> None:
        """Run one job after the other until the queue is closed."""
        self._lower_priority()
        while (job := self._queue.take()) is not None:
            self._watch(self._queue.size)
            job.run()
            self._queue.job_done(job)
            self._watch(self._queue.size)

    def _lower_priority(self) -> None:
        """Lower this thread's priority, if the system allows it."""
        if self._niceness and hasattr(os, "setpriority") and os.uname().sysname == "Linux":
            with contextlib.suppress(OSError):
                own = threading.get_native_id()
                os.setpriority(
                    os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + self._niceness
                )


def make_pools(limits: ServerLimits) -> Mapping[ExecutionMode, ThreadPool]:
    """Set up a pool for each kind of request that may block.

    Args:
        limits: Sizes of the pools and of their queues.

    Returns:
        The pools by the requests' execution mode, not started.
    """
    most = limits.max_in_flight
    store = FairQueue(most, most, limits.max_store_calls_per_user)
    hashing = FairQueue(limits.max_logins, limits.logins_of_address, limits.hashing_threads)
    health = FairQueue(most, most, limits.health_threads)
    return {
        ExecutionMode.STORE: _store_pool(limits, store),
        ExecutionMode.HASHING: ThreadPool(
            "hashing", limits.hashing_threads, hashing, HASHING_NICENESS
        ),
        ExecutionMode.HEALTH: ThreadPool("health", limits.health_threads, health),
    }


def _store_pool(limits: ServerLimits, queue: FairQueue) -> ThreadPool:
    """Set up the pool whose threads may take the interpreter's time."""
    if limits.crowded_switch_s is None:
        return ThreadPool("store", limits.store_threads, queue)
    interval = SwitchInterval(limits.crowded_switch_s)
    return ThreadPool("store", limits.store_threads, queue, watch=interval.adjust)
