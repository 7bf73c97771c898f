from collections.abc import Callable, Collection, Mapping, Sequence

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
    REPLACE_S,
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
        self.commits: dict[int, OffsetAndMetadata] = {}
        self.epoch = -1
        self.first = 0
        self.sought: dict[int, tuple[int, int]] = {}
        self.missing: dict[int, int] = {}

    def poll(self, _seconds: float, _records: int) -> Mapping[int, Sequence[Record]]:
        if self.is_away:
            raise KafkaConnectionError("away")
        found, self.records = self.records, []
        return {PARTITION.partition: found} if found else {}

    def committed(self, partition: int, _seconds: float) -> OffsetAndMetadata | None:
        return self.commits.get(partition)

    def commit(self, offsets: Mapping[int, OffsetAndMetadata]) -> None:
        self.commits |= offsets

    def leader_epoch(self, _partition: int) -> int:
        return self.epoch

    def take_missing(self) -> Mapping[int, int]:
        missing, self.missing = self.missing, {}
        return missing

    def extent(self, _partition: int, _seconds: float) -> tuple[int, int]:
        return self.first, 100

    def seek(self, partition: int, offset: int, epoch: int) -> None:
        self.sought[partition] = offset, epoch

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
    clock.advance(REPLACE_S + 1)
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


def consumer_of(
    log_starts: Callable[[], Mapping[int, Position]] = dict,
    clock: ManualClock | None = None,
    keep_log_start: Callable[[int, Position], None] = lambda *_: None,
) -> KafkaLogConsumer:
    return KafkaLogConsumer(
        KafkaConnectionSettings(("nowhere:1",)),
        "messages",
        "g",
        clock,
        log_starts=log_starts,
        keep_log_start=keep_log_start,
    )


def assign(client: ScriptedClient, *partitions: int) -> None:
    client.rebalances.on_partitions_assigned(
        [TopicPartition("messages", partition) for partition in partitions]
    )


def started_at(committed: OffsetAndMetadata, clients: list[ScriptedClient]) -> KafkaLogConsumer:
    """Give a consumer that was assigned a partition with a commit."""
    consumer = consumer_of()
    consumer.poll(0)
    clients[0].commits[0] = committed
    assign(clients[0], 0)
    consumer.poll(0)
    return consumer


def test_a_partition_starts_with_the_epoch_that_was_committed(
    clients: list[ScriptedClient],
) -> None:
    """So that the leader tells whether its log was cut off before the
    offset, however far it has grown again since.
    """
    consumer = consumer_of()
    consumer.poll(0)
    clients[0].commits[0] = to_commit(Position(7, 1))
    assign(clients[0], 0)
    (held,) = consumer.poll(0).gained
    assert clients[0].sought[0] == (7, -1), "an earlier program has committed no epoch"
    clients[0].epoch = 4
    consumer.commit({held: Position(9, 2)})
    assert clients[0].commits[0] == OffsetAndMetadata(9, "T=2", 4)
    assign(clients[0], 0)
    consumer.poll(0)
    assert clients[0].sought[0] == (9, 4)


def test_where_records_are_missing_no_epoch_of_the_lost_log_is_kept(
    clients: list[ScriptedClient],
) -> None:
    """Or the partition would be started again without an end."""
    consumer = started_at(OffsetAndMetadata(9, "T=2", 4), clients)
    clients[0].missing = {0: 9}
    consumer.poll(0)
    assert clients[0].commits[0].leader_epoch == -1
    assert clients[0].sought[0] == (0, -1)


def test_a_lost_log_starts_after_all_that_is_stored_whoever_reads_it_next(
    clients: list[ScriptedClient],
) -> None:
    """Kafka may forget the group's commit, and another group has none:
    new messages would come before those that are stored.
    """
    kept: dict[int, Position] = {}
    is_away = True

    def keep(partition: int, start: Position) -> None:
        if is_away:
            raise LogUnavailable("the store is away")
        kept[partition] = start

    consumer = consumer_of(keep_log_start=keep)
    consumer.poll(0)
    lost, well = to_commit(Position(9, 2)), to_commit(Position(7, 1))
    clients[0].commits = {0: lost, 1: lost, 2: well}
    assign(clients[0], 0, 1, 2)
    consumer.poll(0)
    clients[0].missing = {0: 9, 1: 9}
    assert {each.partition for each in consumer.poll(0).lost} == {0, 1}
    with pytest.raises(LogUnavailable, match="the store is away"):
        consumer.poll(0)
    assert clients[0].commits == {0: lost, 1: lost, 2: well}, "the loss is not forgotten"
    is_away = False
    assert {each.partition for each in consumer.poll(0).gained} == {0, 1}
    assert kept == {0: Position(0, 3), 1: Position(0, 3)}
    assert clients[0].commits[0] == to_commit(kept[0])


def test_records_that_have_expired_are_no_lost_log(clients: list[ScriptedClient]) -> None:
    kept: dict[int, Position] = {}
    consumer = consumer_of(keep_log_start=kept.__setitem__)
    consumer.poll(0)
    clients[0].first = 20
    clients[0].commits[0] = to_commit(Position(9, 2))
    assign(clients[0], 0)
    consumer.poll(0)
    clients[0].missing = {0: 9}
    consumer.poll(0)
    assert clients[0].commits[0] == to_commit(Position(20, 2))
    assert not kept


def test_no_epoch_goes_with_an_offset_that_was_not_committed(
    clients: list[ScriptedClient],
) -> None:
    started_at(OffsetAndMetadata(7, "reset by hand", 4), clients)
    assert clients[0].sought[0] == (0, -1)


def test_a_store_that_does_not_say_where_the_log_starts_holds_up_no_other_partition(
    clients: list[ScriptedClient],
) -> None:
    clock = ManualClock()
    questions: list[float] = []
    is_away = True

    def starts() -> Mapping[int, Position]:
        questions.append(clock.monotonic())
        if is_away:
            raise LogUnavailable("the store is away")
        return {2: Position(5, 1)}

    consumer = consumer_of(starts, clock)
    consumer.poll(0)
    clients[0].commits = {0: to_commit(Position(7, 1)), 3: to_commit(Position(8, 1))}
    assign(clients[0], 0, 1, 2, 3)
    gained = consumer.poll(0).gained
    assert {each.partition for each in gained} == {0, 3}
    assert len(questions) == 1, "each question takes its whole time limit"
    for _ in range(3):
        clock.advance(REPLACE_S)
        with pytest.raises(LogUnavailable, match="the store is away"):
            consumer.poll(0)
    assert len(clients) == 1, "to leave the group would help nobody"
    is_away = False
    gained = consumer.poll(0).gained
    assert {each.partition: position for each, position in gained.items()} == {
        1: BEGINNING,
        2: Position(5, 1),
    }
