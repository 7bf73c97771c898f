"""Fixed threads for requests that must wait, so that the thread that
owns the connections never does.
"""

import contextlib
import os
import threading
import time

from angarium.api.transport.fair_queue import FairQueue, Job
from angarium.threads import NamedThread

__all__ = ["Job", "ThreadPool"]


class ThreadPool:
    """A few threads and a fair, bounded queue before them."""

    def __init__(self, name: str, threads: int, queue: FairQueue, niceness: int = 0) -> None:
        """Set up the pool; `start` starts its threads.

        Args:
            name: Of the threads, a number behind it.
            threads: How many.
            queue: Where its jobs wait.
            niceness: How far its threads stand back when the machine is
                busy, 0 to 19; only on Linux, where each thread has a
                priority of its own.
        """
        self._name = name
        self._size = threads
        self._queue = queue
        self._niceness = niceness
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads; they end with the program, even while one
        of them hangs.
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
            The job that is queued no longer, this one or another; None
            when there was room.
        """
        return self._queue.put(job)

    def withdraw(self, job: Job) -> bool:
        """Take a job back that nobody waits for any more.

        Args:
            job: What was submitted.

        Returns:
            True when it never runs; False when a thread has taken it,
            or it was displaced.
        """
        return self._queue.remove(job)

    def displace(self, more_than: int) -> Job | None:
        """Take the newest job of whoever has most back, to make room
        for somebody else's.

        Args:
            more_than: Jobs that somebody may have without being asked
                for one.

        Returns:
            The job, None where there is none to take.
        """
        return self._queue.displace(more_than)

    def close(self, patience: float) -> None:
        """Let the threads finish what they do, and no more.

        Args:
            patience: Seconds to wait for all of them; one that hangs is
                left behind.
        """
        self._queue.close()
        give_up = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, give_up - time.monotonic()))

    def _work(self) -> None:
        """Run one job after the other until the queue is closed."""
        self._stand_back()
        while (job := self._queue.take()) is not None:
            job.run()
            self._queue.finished(job)

    def _stand_back(self) -> None:
        """Lower this thread's priority where threads have one, and
        where that is allowed.
        """
        if self._niceness and hasattr(os, "setpriority") and os.uname().sysname == "Linux":
            with contextlib.suppress(OSError):
                own = threading.get_native_id()
                os.setpriority(
                    os.PRIO_PROCESS, own, os.getpriority(os.PRIO_PROCESS, own) + self._niceness
                )
