"""Where the workers' group begins after an import."""

from collections.abc import Mapping

from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.group_inspector import GroupInspector
from angarium.ports.message_log import Position


class KafkaGroupStart:
    """Implements `GroupStart`: offsets with watermarks as metadata."""

    def __init__(self, connection: KafkaConnectionSettings, topic: str, group: str) -> None:
        """Connect at the first call.

        Args:
            connection: Addresses and login of the brokers.
            topic: The topic that the group reads.
            group: The group's name.
        """
        self._group = GroupInspector(connection, topic, group)

    def commit(self, starts: Mapping[int, Position]) -> None:
        """Implements `GroupStart.commit`."""
        if starts:
            self._group.commit(starts)

    def close(self) -> None:
        """Disconnect; safe to repeat."""
        self._group.close()
