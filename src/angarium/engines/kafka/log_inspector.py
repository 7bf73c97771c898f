"""Reading the log on Kafka beside a running service."""

from collections.abc import Iterator, Mapping, Sequence

from angarium.clock import SystemClock
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.dead_letter_records import decode_source
from angarium.engines.kafka.group_inspector import GroupInspector
from angarium.engines.kafka.topic_reader import TopicReader
from angarium.engines.kafka.topics import dead_letters_of
from angarium.ports.log_inspection import BuriedRecord, GroupMember, OffsetRange
from angarium.ports.message_log import Position, Record


class KafkaLogInspector:
    """Implements `LogInspector` without being in the group.

    It sees what workers see: no record of a transaction that is open or
    was taken back.
    """

    def __init__(
        self, connection: KafkaConnectionSettings, topic: str, partitions: int, group: str
    ) -> None:
        """Connect at the first call.

        Args:
            connection: Addresses and login of the brokers.
            topic: The topic that is read.
            partitions: The partition count that it must have.
            group: The workers' group.
        """
        self._reader = TopicReader(connection, topic, partitions)
        self._group = GroupInspector(connection, topic, group)

    def ranges(self) -> Sequence[OffsetRange]:
        """Implements `LogInspector.ranges`."""
        return self._reader.ranges()

    def read(self, partition: int, offset: int, limit: int) -> Sequence[Record]:
        """Implements `LogInspector.read`; a jump costs two requests."""
        return self._reader.read(partition, offset, limit)

    def committed(self) -> Mapping[int, Position]:
        """Implements `LogInspector.committed`."""
        return self._group.committed()

    def members(self) -> Sequence[GroupMember]:
        """Implements `LogInspector.members`."""
        return self._group.members()

    def close(self) -> None:
        """Disconnect; safe to repeat."""
        self._reader.close()
        self._group.close()


_PARTITION = 0
_LETTERS_AT_ONCE = 500
"""Dead letters of one read; MAX_BYTES_AT_ONCE may end it earlier."""


class KafkaDeadLetterInspector:
    """Implements `DeadLetterInspector` on `<topic>.dead`.

    `angarium init` lets that topic keep everything; an operator may
    have decided otherwise. A count remembers the positions, about 150
    bytes each.
    """

    def __init__(self, connection: KafkaConnectionSettings, topic: str) -> None:
        """Connect at the first call.

        Args:
            connection: Addresses and login of the brokers.
            topic: The topic whose records are kept there.
        """
        self._reader = TopicReader(connection, dead_letters_of(topic), 1)
        self._counted_to = 0
        self._counted: set[tuple[int, int]] = set()

    def walk(self) -> Iterator[BuriedRecord]:
        """Implements `DeadLetterInspector.walk`."""
        (held,) = self._reader.ranges()
        for letter in self._read(held.first, held.end):
            source = decode_source(letter)
            if source is not None:
                yield source

    def count(self) -> int:
        """Implements `DeadLetterInspector.count`."""
        (held,) = self._reader.ranges()
        for letter in self._read(self._counted_to, held.end):
            source = decode_source(letter)
            if source is not None:
                self._counted.add((source.partition, source.offset))
            self._counted_to = letter.offset + 1
        return len(self._counted)

    def kept_since(self) -> int:
        """Implements `DeadLetterInspector.kept_since`."""
        (held,) = self._reader.ranges()
        if held.first == 0:
            return 0
        oldest = self._reader.read(_PARTITION, held.first, 1)
        return oldest[0].timestamp if oldest else SystemClock().now_ms()

    def close(self) -> None:
        """Disconnect; safe to repeat."""
        self._reader.close()

    def _read(self, offset: int, end: int) -> Iterator[Record]:
        """Yield the topic's records of a range."""
        while offset < end:
            found = self._reader.read(_PARTITION, offset, _LETTERS_AT_ONCE)
            if not found:
                return
            for record in found:
                if record.offset >= end:
                    return
                yield record
            offset = found[-1].offset + 1
