"""Fair queueing: whoever queues much waits for himself, and nobody else
waits for him.
"""

import threading
from collections import Counter
from collections.abc import Callable, Hashable
from heapq import heapify, heappop, heappush

OUTDATED = 64
"""Entries of flows that left the queue that may lie in the heap before
they are swept out.
"""

_Entry = tuple[int, int, int, Hashable]


class Job:
    """One piece of work in a queue.

    Attributes:
        run: Does the work; must not raise.
        flow: Whose work it is; each flow has the same share.
        source: Where it comes from, which decides between flows that
            are equal.
        owner: Whatever its submitter knows it by.
    """

    __slots__ = ("arrived", "flow", "owner", "run", "source")

    def __init__(
        self, run: Callable[[], None], flow: Hashable, source: str, owner: object = None
    ) -> None:
        """Describe the work.

        Args:
            run: Does it; must not raise.
            flow: Whose work it is, such as a user's id.
            source: Where it comes from, such as an address.
            owner: Whatever the submitter knows it by.
        """
        self.run = run
        self.flow = flow
        self.source = source
        self.owner = owner
        self.arrived = 0


class _Flow:
    """The jobs of one flow."""

    __slots__ = ("finish", "listed", "running", "waiting")

    def __init__(self) -> None:
        """Begin without jobs."""
        self.waiting: dict[Job, None] = {}
        self.running = 0
        self.finish = 0
        # The order of its entry among the next jobs, 0 while it has
        # none.
        self.listed = 0

    @property
    def size(self) -> int:
        """Count the jobs that wait or run."""
        return len(self.waiting) + self.running


class FairQueue:
    """Start-time fair queueing (Goyal, Vin and Cheng, 1996) with jobs
    of one length; used by any thread.

    A flow's next job starts at the virtual time at which its last one
    ended, or now where it had none, and the job with the earliest start
    is taken first: flows take turns, and one that comes seldom comes
    next. Of several with the same start the one goes first whose source
    has the fewest jobs here, so that many users at one address do not
    crowd out another address. One flow has only so many jobs with
    takers at a time, so that it does not fill every thread.
    """

    def __init__(self, capacity: int, share: int, threads: int) -> None:
        """Set the bounds.

        Args:
            capacity: Jobs that wait or run, in all.
            share: Jobs of one flow among them.
            threads: Jobs of one flow that run at a time.
        """
        self._capacity = capacity
        self._share = share
        self._threads = threads
        self._flows: dict[Hashable, _Flow] = {}
        self._sources: Counter[str] = Counter()
        # The next job of each flow that may run one more: start, jobs
        # of its source, order of coming.
        self._next: list[_Entry] = []
        self._changed = threading.Condition()
        self._size = 0
        self._time = 0
        self._order = 0
        self._closed = False

    def put(self, job: Job) -> Job | None:
        """Queue a job; where there is no room, the newest one of the
        flow that has most makes it.

        Args:
            job: To be taken later.

        Returns:
            The job that is queued no longer, which is this one where
            its own flow has its share or as many as any other; None
            when there was room.
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
        """Wait for the next job; `finished` must be told when it is
        done.

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

    def finished(self, job: Job) -> None:
        """Take it that a job runs no longer.

        Args:
            job: What `take` gave.
        """
        with self._changed:
            flow = self._flows[job.flow]
            flow.running -= 1
            self._forget(job, flow)
            if self._list(job.flow, flow):
                self._changed.notify()

    def remove(self, job: Job) -> bool:
        """Take a job out that nobody waits for any more.

        Args:
            job: What was put.

        Returns:
            True when it was there; False when it was taken before, or
            displaced.
        """
        with self._changed:
            flow = self._flows.get(job.flow)
            if flow is None or job not in flow.waiting:
                return False
            self._drop(job)
            return True

    def displace(self, more_than: int) -> Job | None:
        """Take out the newest job of the flow that has most.

        Args:
            more_than: Jobs, waiting or running, that a flow may have
                without being asked for one.

        Returns:
            The job, None where no flow has more of which one waits.
        """
        with self._changed:
            return self._displace(more_than)

    def close(self) -> None:
        """Drop what waits, and let nobody take any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _pop(self) -> Job | None:
        """Return the job with the earliest start, None where there is
        none that may run.
        """
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
        """Return whether a flow's next job was entered, because the
        flow may run one.
        """
        if flow.listed or not flow.waiting or flow.running >= self._threads:
            return False
        if len(self._next) > 2 * len(self._flows) + OUTDATED:
            self._next = [entry for entry in self._next if self._is_valid(entry)]
            heapify(self._next)
        job = next(iter(flow.waiting))
        self._order += 1
        flow.listed = self._order
        start = max(job.arrived, flow.finish)
        heappush(self._next, (start, self._sources[job.source], self._order, key))
        return True

    def _is_valid(self, entry: _Entry) -> bool:
        """Return whether an entry's flow is still there and was not
        entered anew.
        """
        flow = self._flows.get(entry[3])
        return flow is not None and flow.listed == entry[2]

    def _displace(self, more_than: int) -> Job | None:
        """Return the job that was taken out to make room."""
        waiting = [flow for flow in self._flows.values() if flow.waiting and flow.size > more_than]
        if not waiting:
            return None
        job = next(reversed(max(waiting, key=lambda flow: flow.size).waiting))
        self._drop(job)
        return job

    def _drop(self, job: Job) -> None:
        """Take a waiting job out."""
        flow = self._flows[job.flow]
        del flow.waiting[job]
        self._forget(job, flow)

    def _forget(self, job: Job, flow: _Flow) -> None:
        """Count a job no longer, and its flow where this was the last
        one.
        """
        self._size -= 1
        self._sources[job.source] -= 1
        if not self._sources[job.source]:
            del self._sources[job.source]
        if not flow.size:
            del self._flows[job.flow]
