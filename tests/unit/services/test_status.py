"""How far the workers are, and what answers."""

from collections.abc import Sequence
from uuid import UUID

import pytest

from angarium.domain.errors import LogUnavailable, StoreUnavailable, WrongTopic
from angarium.domain.message import Message
from angarium.ports.log_inspection import GroupMember, OffsetRange
from angarium.ports.message_log import DeadLetter, Position, Record
from angarium.ports.store_inspection import IndexRow, StoreNode
from angarium.services.status import PartitionStatus, StatusReader, StoreStatus
from tests.fakes.consumer import MemoryConsumer
from tests.fakes.conversations import MemoryConversations
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.inspection import MemoryDeadLetterInspector, MemoryLogInspector
from tests.fakes.log import MemoryLog
from tests.fakes.messages import MemoryMessages
from tests.fakes.store_inspector import MemoryStoreInspector


class SilentLog(MemoryLogInspector):
    """Knows its group, and has no answer about its records."""

    def ranges(self) -> Sequence[OffsetRange]:
        raise LogUnavailable("no broker answers")


class OtherLog(MemoryLogInspector):
    """Has not the partitions that the settings name."""

    def ranges(self) -> Sequence[OffsetRange]:
        raise WrongTopic("12 partitions, not 4")


class SilentDeadLetters(MemoryDeadLetterInspector):
    """Cannot be counted."""

    def count(self) -> int:
        raise LogUnavailable("too many to be counted in time")


class StoreOfNodes(MemoryStoreInspector):
    """Knows its nodes; one of them is down, so that nothing is read."""

    def nodes(self) -> Sequence[StoreNode]:
        return [StoreNode("172.19.0.2", True), StoreNode("172.19.0.3", False)]

    def find(
        self, conversation_id: UUID, message_id: UUID
    ) -> tuple[IndexRow | None, Sequence[Message]]:
        raise StoreUnavailable("too few nodes answer")


class SilentStore(MemoryStoreInspector):
    """Was never connected to."""

    def nodes(self) -> Sequence[StoreNode]:
        raise StoreUnavailable("no node answers")


@pytest.fixture
def log() -> MemoryLog:
    return MemoryLog(partitions=3)


@pytest.fixture
def letters() -> MemoryDeadLetters:
    return MemoryDeadLetters()


@pytest.fixture
def store() -> MemoryStoreInspector:
    return MemoryStoreInspector(MemoryMessages(), MemoryConversations())


@pytest.fixture
def reader(
    log: MemoryLog, letters: MemoryDeadLetters, store: MemoryStoreInspector
) -> StatusReader:
    return StatusReader(MemoryLogInspector(log), MemoryDeadLetterInspector(letters), store)


def fill(log: MemoryLog, partition: int, count: int) -> None:
    for _ in range(count):
        log.append_raw(partition, b"key", b"value")


def test_without_a_commit_the_lag_is_everything_that_the_log_holds(
    log: MemoryLog, reader: StatusReader
) -> None:
    fill(log, 1, 5)
    log.expire(1, 2)
    status = reader.read()
    assert status.log is not None
    assert status.log.partitions[1] == PartitionStatus(1, OffsetRange(2, 5), None, None)
    assert [each.lag for each in status.log.partitions] == [0, 3, 0]
    assert (status.log.records, status.log.lag) == (3, 3)
    assert status.log.members == []
    assert status.dead_letters == 0
    assert status.store == StoreStatus(True, (), None)
    assert status.problems == []


def test_the_lag_is_what_comes_after_the_commit_and_the_owner_is_who_works_there(
    log: MemoryLog, reader: StatusReader
) -> None:
    fill(log, 0, 4)
    worker = MemoryConsumer(log, instance="worker-3")
    polled = worker.poll(0)
    at = next(each for each in polled.gained if each.partition == 0)
    worker.commit({at: Position(3, 1_700_000_000_000)})
    status = reader.read()
    assert status.log is not None
    assert status.log.members == [GroupMember("worker-3", (0, 1, 2))]
    assert status.log.partitions[0] == PartitionStatus(
        0, OffsetRange(0, 4), Position(3, 1_700_000_000_000), "worker-3"
    )
    assert (status.log.records, status.log.lag) == (4, 1)


def test_a_group_that_was_further_in_an_earlier_log_has_all_of_this_one_before_it() -> None:
    partition = PartitionStatus(0, OffsetRange(1, 4), Position(900), None)
    assert partition.lag == 3


def test_a_record_with_two_dead_letters_counts_once(
    letters: MemoryDeadLetters, reader: StatusReader
) -> None:
    for offset in (4, 5, 4):
        record = Record(0, offset, 1, None, None)
        letters.append(DeadLetter("internal_error", "detail", record, "trace"))
    assert reader.read().dead_letters == 2


def test_a_log_that_is_silent_hides_nothing_of_the_store(
    log: MemoryLog, letters: MemoryDeadLetters, store: MemoryStoreInspector
) -> None:
    reader = StatusReader(SilentLog(log), MemoryDeadLetterInspector(letters), store)
    status = reader.read()
    assert (status.log, status.dead_letters) == (None, None)
    assert status.store.answers
    assert status.problems == ["no broker answers"]


def test_a_log_with_another_number_of_partitions_is_no_outage(
    log: MemoryLog, letters: MemoryDeadLetters, store: MemoryStoreInspector
) -> None:
    """It is the settings that have to be corrected."""
    reader = StatusReader(OtherLog(log), MemoryDeadLetterInspector(letters), store)
    with pytest.raises(WrongTopic):
        reader.read()


def test_dead_letters_that_cannot_be_counted_hide_nothing_of_the_log(
    log: MemoryLog, letters: MemoryDeadLetters, store: MemoryStoreInspector
) -> None:
    status = StatusReader(MemoryLogInspector(log), SilentDeadLetters(letters), store).read()
    assert status.log is not None
    assert status.dead_letters is None
    assert status.problems == ["too many to be counted in time"]


@pytest.mark.parametrize(
    ("kind", "nodes", "problem"),
    [
        (
            StoreOfNodes,
            [StoreNode("172.19.0.2", True), StoreNode("172.19.0.3", False)],
            "too few nodes answer",
        ),
        (SilentStore, [], "no node answers"),
    ],
)
def test_a_store_that_is_silent_hides_nothing_of_the_log(
    log: MemoryLog,
    letters: MemoryDeadLetters,
    kind: type[MemoryStoreInspector],
    nodes: list[StoreNode],
    problem: str,
) -> None:
    store = kind(MemoryMessages(), MemoryConversations())
    reader = StatusReader(MemoryLogInspector(log), MemoryDeadLetterInspector(letters), store)
    status = reader.read()
    assert status.log is not None
    assert not status.store.answers
    assert list(status.store.nodes) == nodes
    assert status.problems == [problem]
