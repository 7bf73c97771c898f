from collections.abc import Collection, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import KafkaConnectionError
from kafka.structs import OffsetAndMetadata, TopicPartition

from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka import consumer as consumers
from angarium.engines.kafka.assignments import Rebalances
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import (
    REPLACE_SECONDS,
    KafkaLogConsumer,
    from_commit,
    to_commit,
)
from angarium.ports.message_log import BEGINNING, Position, Record
from tests.fakes.clock import ManualClock

PARTITION = TopicPartition("messages", 0)


@given(st.integers(0, 2**62), st.integers(-1, 10**14))
def test_a_position_comes_back_from_its_commit(offset: int, watermark: int) -> None:
    position = Position(offset, watermark)
    assert from_commit(to_commit(position)) == position


def test_a_group_without_a_commit_begins_at_the_beginning() -> None:
    assert from_commit(None) == BEGINNING


@pytest.mark.parametrize("metadata", ["", "T=", "T=x", "T=1 ", "T=-2", "t=1", None])
def test_an_offset_without_a_watermark_is_no_position(metadata: str | None) -> None:
    assert from_commit(OffsetAndMetadata(5, metadata, -1)) is None
    assert from_commit(OffsetAndMetadata(0, metadata, -1)) == BEGINNING


class ScriptedClient:
    """A client of a group, whose broker does what a test says."""

    is_connected = True

    def __init__(self, rebalances: Rebalances, instance: str) -> None:
        self.rebalances = rebalances
        self.member = f"{instance}-1"
        self.is_away = False
        self.records: list[Record] = []

    def poll(self, _seconds: float, _records: int) -> Mapping[int, Sequence[Record]]:
        if self.is_away:
            raise KafkaConnectionError("away")
        found, self.records = self.records, []
        return {PARTITION.partition: found} if found else {}

    def committed(self, _partition: int, _seconds: float) -> OffsetAndMetadata | None:
        return None

    def take_missing(self) -> Mapping[int, int]:
        return {}

    def seek(self, partition: int, offset: int) -> None: ...

    def pause(self, partitions: Collection[int]) -> None: ...

    def resume(self, partitions: Collection[int]) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> list[ScriptedClient]:
    """Every client that a consumer connects."""
    made: list[ScriptedClient] = []

    def connect(
        _connection: object, _topic: str, _group: str, rebalances: Rebalances, instance: str
    ) -> ScriptedClient:
        made.append(ScriptedClient(rebalances, instance))
        return made[-1]

    monkeypatch.setattr(consumers, "GroupClient", connect)
    return made


def test_what_a_replaced_client_gives_up_later_ends_nothing_of_the_new_one(
    clients: list[ScriptedClient],
) -> None:
    """It ends on a thread of its own, which may take longer than
    closing waits; the partition would be polled and dropped from then
    on.
    """
    clock = ManualClock()
    consumer = KafkaLogConsumer(KafkaConnectionSettings(("nowhere:1",)), "messages", "g", clock)
    consumer.poll(0)
    clients[0].rebalances.on_partitions_assigned([PARTITION])
    assert [each.partition for each in consumer.poll(0).gained] == [0]
    clients[0].is_away = True
    clock.advance(REPLACE_SECONDS + 1)
    with pytest.raises(LogUnavailable):
        consumer.poll(0)
    consumer.poll(0)
    clients[1].rebalances.on_partitions_assigned([PARTITION])
    gained = consumer.poll(0).gained
    clients[0].rebalances.on_partitions_revoked([PARTITION])
    record = Record(0, 7, 1, b"key", b"value")
    clients[1].records.append(record)
    found = consumer.poll(0)
    assert dict(found.records) == {assignment: [record] for assignment in gained}
    assert not found.lost
