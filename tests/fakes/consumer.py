"""A consumer of the log in memory."""

import time
from collections.abc import Mapping, Sequence

from angarium.ports.message_log import Assignment, PollResult, Position, Record
from tests.fakes.log import MemoryLog


class MemoryConsumer:
    """One worker's view; it joins the group with its first poll."""

    def __init__(
        self, log: MemoryLog, group: str = "router", batch: int = 500, instance: str = "worker"
    ) -> None:
        self._log = log
        self._group = log.group(group)
        self._batch = batch
        self._paused = False
        self._closed = False
        self._next: dict[Assignment, int] = {}
        with log.changed:
            self._member = self._group.newcomer(instance)

    def poll(self, timeout_s: float) -> PollResult:
        give_up_at = time.monotonic() + timeout_s
        with self._log.changed:
            while True:
                polled = self._news()
                left = give_up_at - time.monotonic()
                if left <= 0 or polled.lost or polled.gained or polled.records:
                    return polled
                self._log.changed.wait(left)

    def commit(self, positions: Mapping[Assignment, Position]) -> None:
        with self._log.changed:
            for assignment, position in positions.items():
                self._group.commit(self._member, assignment, position)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def close(self) -> None:
        with self._log.changed:
            self._closed = True
            self._group.leave(self._member)
            self._next.clear()
            self._log.changed.notify_all()

    def _news(self) -> PollResult:
        if self._closed:
            return PollResult()
        generation = self._group.generation
        lost, gained = self._group.poll(self._member)
        for assignment in lost:
            self._next.pop(assignment, None)
        self._next |= {assignment: position.offset for assignment, position in gained.items()}
        if lost or generation != self._group.generation:
            self._log.changed.notify_all()
        return PollResult(tuple(lost), gained, {} if self._paused else self._records())

    def _records(self) -> dict[Assignment, Sequence[Record]]:
        records: dict[Assignment, Sequence[Record]] = {}
        room = self._batch
        for assignment, offset in self._next.items():
            found = self._log.read(assignment.partition, offset, room)
            if found:
                records[assignment] = found
                self._next[assignment] = found[-1].offset + 1
                room -= len(found)
        return records
