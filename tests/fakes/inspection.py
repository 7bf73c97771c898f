"""What reads a log in memory beside its workers."""

from collections.abc import Iterator, Mapping, Sequence

from angarium.ports.log_inspection import (
    MAX_BYTES_AT_ONCE,
    BuriedRecord,
    GroupMember,
    OffsetRange,
)
from angarium.ports.message_log import Position, Record
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.log import MemoryLog


class MemoryLogInspector:
    """Reads records, and the group's positions and members."""

    def __init__(self, log: MemoryLog, group: str = "router") -> None:
        self._log = log
        self._group = log.group(group)

    def ranges(self) -> Sequence[OffsetRange]:
        return [OffsetRange(*self._log.range(each)) for each in range(self._log.partitions)]

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Record]:
        records: list[Record] = []
        room = MAX_BYTES_AT_ONCE
        for record in self._log.read(partition, offset, limit):
            room -= len(record.value or b"")
            if room < 0 and records:
                break
            records.append(record)
        return records

    def committed(self) -> Mapping[int, Position]:
        with self._log.changed:
            return self._group.committed()

    def members(self) -> Sequence[GroupMember]:
        with self._log.changed:
            return [
                GroupMember(name, partitions) for name, partitions in sorted(self._group.holders())
            ]


class MemoryDeadLetterInspector:
    """Reads which records have a dead letter."""

    def __init__(self, dead_letters: MemoryDeadLetters, kept_since: int = 0) -> None:
        self._dead_letters = dead_letters
        self._kept_since = kept_since

    def walk(self) -> Iterator[BuriedRecord]:
        for letter in self._dead_letters.all():
            record = letter.record
            yield BuriedRecord(
                record.partition, record.offset, record.timestamp, letter.reason, letter.detail
            )

    def count(self) -> int:
        return len({(each.partition, each.offset) for each in self.walk()})

    def kept_since(self) -> int:
        return self._kept_since
