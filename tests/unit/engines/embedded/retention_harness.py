"""An embedded log with its retention, and groups that read it."""

from pathlib import Path

from angarium.domain.partitioning import partition_for
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.log_starts import read_log_starts
from angarium.engines.embedded.retention import LogRetention
from angarium.ports.message_log import (
    NewRecord,
    Position,
    Record,
)
from tests.fakes.clock import ManualClock

PATIENCE = 30.0


PARTITIONS = 4


RETENTION_S = 100


KEYS = {partition_for(b"key-%d" % number, PARTITIONS): b"key-%d" % number for number in range(50)}


class Group:
    """A consumer group that applies and commits what it reads."""

    def __init__(self, database: Database, log: EmbeddedLog, name: str) -> None:
        self._consumer = EmbeddedConsumer(database, log, name)
        self._held = {each.partition: each for each in self._consumer.poll(0).gained}

    def apply_all(self) -> list[Record]:
        """Read and commit everything there is."""
        applied: list[Record] = []
        while polled := self._consumer.poll(0).records:
            for assignment, records in polled.items():
                applied += records
                self._consumer.commit({assignment: Position(records[-1].offset + 1, 0)})
        return applied


class Sut:
    """An embedded log with its retention, and a clock to move."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.database = Database.open(folder, PARTITIONS)
        self.log = EmbeddedLog(self.database, self.clock)
        self.retention = LogRetention(self.database, "router", RETENTION_S, self.clock)

    def append(self, count: int = 1, partition: int = 0, value: bytes = b"value") -> None:
        for each in [self.log.append(NewRecord(KEYS[partition], value, {})) for _ in range(count)]:
            each.result(PATIENCE)

    def group(self, name: str = "router") -> Group:
        return Group(self.database, self.log, name)

    def offsets(self, partition: int = 0) -> list[int]:
        """Give the offsets of the records that are left."""
        return self.database.read(
            lambda connection: [
                offset
                for (offset,) in connection.execute(
                    "SELECT offset FROM log WHERE partition = ? ORDER BY offset", (partition,)
                )
            ]
        )

    def starts(self) -> dict[int, Position]:
        return self.database.read(read_log_starts)
