"""One consumer's book: what it holds, what it was given, and that the
order of things is kept.
"""

import time
from collections.abc import Callable

from angarium.ports.message_log import Assignment, LogConsumer, PollResult, Position, Record

REPLACE_S = 30.0


class Reading:
    """Polls a consumer, checks each poll against the port's promises,
    and keeps what came.
    """

    def __init__(self, consumer: LogConsumer) -> None:
        self.consumer = consumer
        self.held: dict[int, Assignment] = {}
        self.started: dict[Assignment, Position] = {}
        self.lost: list[Assignment] = []
        self.records: list[Record] = []
        self._last: dict[Assignment, int] = {}

    def poll(self, timeout_s: float = 0.05) -> PollResult:
        """Poll once."""
        polled = self.consumer.poll(timeout_s)
        for assignment in polled.lost:
            assert self.held.pop(assignment.partition) == assignment
            self.lost.append(assignment)
        for assignment, position in polled.gained.items():
            assert assignment.partition not in self.held, "gained before it was lost"
            assert assignment not in self.started, "an assignment came back under an old token"
            self.held[assignment.partition] = assignment
            self.started[assignment] = position
            self._last[assignment] = position.offset - 1
        for assignment, records in polled.records.items():
            assert self.held[assignment.partition] == assignment
            self._take(assignment, list(records))
        return polled

    def _take(self, assignment: Assignment, records: list[Record]) -> None:
        for record in records:
            assert record.partition == assignment.partition
            assert record.offset > self._last[assignment], "out of order, or twice"
            self._last[assignment] = record.offset
            self.records.append(record)

    def until(self, condition: Callable[[], bool], timeout_s: float = 0.05) -> None:
        """Poll until something is true."""
        give_up_at = time.monotonic() + REPLACE_S
        while not condition():
            assert time.monotonic() < give_up_at, f"polled for {REPLACE_S} s in vain"
            self.poll(timeout_s)

    def until_all(self, count: int) -> list[Record]:
        """Poll until so many records came in all."""
        self.until(lambda: len(self.records) >= count)
        return self.records

    def until_holding(self, count: int) -> dict[int, Assignment]:
        """Poll until so many partitions are held."""
        self.until(lambda: len(self.held) == count)
        return self.held

    def values(self) -> list[bytes | None]:
        """Give the values of all records that came."""
        return [record.value for record in self.records]

    def commit(self, *records: Record, watermark: int = -1) -> None:
        """Commit the positions behind some records."""
        self.consumer.commit(
            {self.held[each.partition]: Position(each.offset + 1, watermark) for each in records}
        )
