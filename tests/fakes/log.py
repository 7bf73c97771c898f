"""A log in memory."""

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future

from angarium.clock import Clock
from angarium.domain.partitioning import partition_for
from angarium.futures import done
from angarium.ports.message_log import Appended, NewRecord, Record
from tests.fakes.clock import ManualClock
from tests.fakes.group import Group


class MemoryLog:
    """Keeps every record of every partition, and the consumer groups
    with their positions.
    """

    def __init__(
        self, partitions: int = 12, clock: Clock | None = None, session: float = 10.0
    ) -> None:
        self.partitions = partitions
        self.changed = threading.Condition()
        self._clock = clock or ManualClock()
        self._session = session
        self._records: list[list[Record]] = [[] for _ in range(partitions)]
        self._firsts = [0] * partitions
        self._groups: dict[str, Group] = {}

    def append(self, record: NewRecord) -> Future[Appended]:
        return done(
            self.append_raw(
                partition_for(record.key, self.partitions),
                record.key,
                record.value,
                {name: text.encode() for name, text in record.headers.items()},
            )
        )

    def check(self) -> None:
        return

    def append_raw(
        self,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Mapping[str, bytes | None] | None = None,
        timestamp: int | None = None,
        problem: str | None = None,
    ) -> Appended:
        """Append what no well-behaved producer would: anything,
        anywhere, at any time.
        """
        with self.changed:
            records = self._records[partition]
            at = self._clock.now_ms() if timestamp is None else timestamp
            records.append(
                Record(partition, len(records), at, key, value, dict(headers or {}), problem)
            )
            self.changed.notify_all()
            return Appended(partition, len(records) - 1, at)

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Record]:
        """Read records of a partition in order."""
        with self.changed:
            start = max(offset, self._firsts[partition])
            return self._records[partition][start : start + limit]

    def range(self, partition: int) -> tuple[int, int]:
        """Tell the first offset of a partition and its end."""
        with self.changed:
            return self._firsts[partition], len(self._records[partition])

    def expire(self, partition: int, before: int) -> None:
        """Forget records before an offset, as retention does."""
        with self.changed:
            self._firsts[partition] = max(self._firsts[partition], before)

    def records(self) -> Sequence[Record]:
        """Read all records, partition by partition."""
        with self.changed:
            return [record for records in self._records for record in records]

    def group(self, name: str) -> Group:
        """Give the group of that name; use it with `changed` held."""
        with self.changed:
            if name not in self._groups:
                self._groups[name] = Group(self.partitions, self._clock, self._session)
            return self._groups[name]
