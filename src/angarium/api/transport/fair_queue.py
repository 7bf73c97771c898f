"""Fair queueing: a user who queues much delays only himself.

docs/adr/0007 has the decision.
"""

import threading
from collections import Counter
from collections.abc import Callable, Hashable
from heapq import heapify, heappop, heappush

MAX_OUTDATED = 64
"""Entries in the heap, beyond two for each flow, before those of flows
that have left are removed. It bounds memory at a small constant cost.
"""

_Entry = tuple[int, int, int, Hashable]


class Job:
    """One piece of work in a queue.

    Attributes:
        run: Does the work; must not raise.
        flow: A user, for example; all flows have equal shares.
        source: An address, for example; it decides between equal flows.
        owner: The submitter's own object for it.
        arrived: The queue's virtual time when it was put.
    """

    __slots__ = ("arrived", "flow", "owner", "run", "source")

    def __init__(
        self, run: Callable[[], None], flow: Hashable, source: str, owner: object = None
    ) -> None:
        """Describe the work; see the attributes."""
        self.run = run
        self.flow = flow
        self.source = source
        self.owner = owner
        self.arrived = 0


class _Flow:
    """The jobs of one flow."""

    __slots__ = ("finish", "listed", "running", "waiting")

    def __init__(self) -> None:
        """Start without jobs."""
        self.waiting: dict[Job, None] = {}
        self.running = 0
        self.finish = 0
        # The number of its entry in the heap, 0 if it has none.
        self.listed = 0

    @property
    def size(self) -> int:
        """The number of jobs that wait or run."""
        return len(self.waiting) + self.running


class FairQueue:
    """Start-time fair queueing (Goyal, Vin and Cheng, 1996).

    All jobs have the same length. A flow's next job starts at the
    virtual time at which its last one ended, or now if it had none. The
    job with the earliest start is taken first. So flows take turns, and
    a flow that comes seldom comes next.

    Among equal starts the source with the fewest jobs comes first, so
    that many users at one address do not crowd out another address. A
    flow has a maximum of running jobs, so that it does not fill every
    thread. Used by any thread.
    """

    def __init__(self, capacity: int, share: int, threads: int) -> None:
        """Start empty.

        Args:
            capacity: Maximum of jobs that wait or run.
            share: Maximum for one flow among them.
            threads: Maximum of running jobs of one flow.
        """
        self._capacity = capacity
        self._share = share
        self._threads = threads
        self._flows: dict[Hashable, _Flow] = {}
        self._sources: Counter[str] = Counter()
        # A heap with the next job of each flow that may run one more:
        # start, jobs of its source, number of the entry, flow.
        self._next: list[_Entry] = []
        self._changed = threading.Condition()
        self._size = 0
        self._time = 0
        self._order = 0
        self._closed = False

    @property
    def size(self) -> int:
        """The number of jobs that wait or run."""
        return self._size

    def put(self, job: Job) -> Job | None:
        """Queue a job; if there is no room, another one is displaced.

        That is the newest job of the flow with the most jobs.

        Args:
            job: To be taken later.

        Returns:
            The displaced job: this one, if its own flow has its maximum
            or as many jobs as any other; None if there was room.
        """
        with self._changed:
            flow = self._flows.get(job.flow)
            size = 0 if flow is None else flow.size
            displaced = None
            if size >= self._share:
                return job
            if self._size >= self._capacity:
                displaced = self._displace(size + 1)
                if displaced is None:
                    return job
                flow = self._flows.get(job.flow)
            if flow is None:
                flow = self._flows[job.flow] = _Flow()
            job.arrived = self._time
            flow.waiting[job] = None
            self._size += 1
            self._sources[job.source] += 1
            if self._list(job.flow, flow):
                self._changed.notify()
            return displaced

    def take(self) -> Job | None:
        """Wait for the next job; `job_done` must be called after it.

        Returns:
            The job; None once the queue is closed.
        """
        with self._changed:
            while True:
                if self._closed:
                    return None
                job = self._pop()
                if job is not None:
                    if self._next:
                        self._changed.notify()
                    return job
                self._changed.wait()

    def job_done(self, job: Job) -> None:
        """Note that a job has ended.

        Args:
            job: Returned by `take`.
        """
        with self._changed:
            flow = self._flows[job.flow]
            flow.running -= 1
            self._forget(job, flow)
            if self._list(job.flow, flow):
                self._changed.notify()

    def remove(self, job: Job) -> bool:
        """Remove a job whose result nobody needs any more.

        Args:
            job: What was put.

        Returns:
            True if it was queued; False if it was taken or displaced
            before.
        """
        with self._changed:
            flow = self._flows.get(job.flow)
            if flow is None or job not in flow.waiting:
                return False
            self._drop(job)
            return True

    def displace(self, more_than: int) -> Job | None:
        """Remove the newest job of the flow with the most jobs.

        Args:
            more_than: A flow with as many jobs or fewer keeps them.

        Returns:
            The job; None if no flow has more, one of them waiting.
        """
        with self._changed:
            return self._displace(more_than)

    def close(self) -> None:
        """Let `take` return None, to end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _pop(self) -> Job | None:
        """Return the job with the earliest start that may run."""
        while self._next:
            start, _, order, key = heappop(self._next)
            flow = self._flows.get(key)
            if flow is None or flow.listed != order:
                continue
            flow.listed = 0
            job = next(iter(flow.waiting), None)
            if job is None:
                continue
            del flow.waiting[job]
            flow.running += 1
            self._time = max(self._time, start)
            flow.finish = start + 1
            self._list(key, flow)
            return job
        return None

    def _list(self, key: Hashable, flow: _Flow) -> bool:
        """Return whether a flow's next job was put on the heap."""
        if flow.listed or not flow.waiting or flow.running >= self._threads:
            return False
        if len(self._next) > 2 * len(self._flows) + MAX_OUTDATED:
            self._next = [entry for entry in self._next if self._is_valid(entry)]
            heapify(self._next)
        job = next(iter(flow.waiting))
        self._order += 1
        flow.listed = self._order
        start = max(job.arrived, flow.finish)
        heappush(self._next, (start, self._sources[job.source], self._order, key))
        return True

    def _is_valid(self, entry: _Entry) -> bool:
        """Return whether an entry is its flow's newest one."""
        flow = self._flows.get(entry[3])
        return flow is not None and flow.listed == entry[2]

    def _displace(self, more_than: int) -> Job | None:
        """Return the job that was removed, None if none could be."""
        waiting = [flow for flow in self._flows.values() if flow.waiting and flow.size > more_than]
        if not waiting:
            return None
        job = next(reversed(max(waiting, key=lambda flow: flow.size).waiting))
        self._drop(job)
        return job

    def _drop(self, job: Job) -> None:
        """Remove a job that waits."""
        flow = self._flows[job.flow]
        del flow.waiting[job]
        self._forget(job, flow)

    def _forget(self, job: Job, flow: _Flow) -> None:
        """Count a job no longer; its flow goes with its last job."""
        self._size -= 1
        self._sources[job.source] -= 1
        if not self._sources[job.source]:
            del self._sources[job.source]
        if not flow.size:
            del self._flows[job.flow]
