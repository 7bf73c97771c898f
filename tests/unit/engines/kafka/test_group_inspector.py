"""What brokers say about a group, also while it moves."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import kafka
import pytest
from kafka.errors import GroupAuthorizationFailedError, NotCoordinatorError
from kafka.structs import OffsetAndMetadata, TopicPartition

from angarium.deadline import within
from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.group_inspector import GroupInspector
from angarium.ports.log_inspection import GroupMember
from angarium.ports.message_log import BEGINNING, Position

Answer = Callable[[], Mapping[str, Any]]


class Brokers:
    """Stands in for the library's client; answers as a test says, the
    last answer again and again.
    """

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.clients = 0
        self.closed = threading.Semaphore(0)

    def __call__(self, **_options: object) -> "Brokers":
        self.clients += 1
        return self

    def describe_groups(self, groups: Sequence[str]) -> Mapping[str, Any]:
        return {groups[0]: self._answer()}

    def list_group_offsets(self, groups: Sequence[str]) -> Mapping[str, Any]:
        return {groups[0]: self._answer()}

    def close(self) -> None:
        self.closed.release()

    def _answer(self) -> Mapping[str, Any]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer()


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Brokers:
    brokers = Brokers()
    monkeypatch.setattr(kafka, "KafkaAdminClient", brokers)
    return brokers


@pytest.fixture
def inspector(brokers: Brokers) -> Iterator[GroupInspector]:
    inspector = GroupInspector(KafkaConnectionSettings(("localhost:1",)), "messages", "router")
    yield inspector
    inspector.close()


def member(client_id: str, assignment: object) -> Mapping[str, object]:
    return {"client_id": client_id, "member_assignment": assignment}


def assigned(**partitions: list[int]) -> Mapping[str, object]:
    return {
        "assigned_partitions": [
            {"topic": topic, "partitions": numbers} for topic, numbers in partitions.items()
        ]
    }


def group(*members: object, state: str = "Stable", error: str | None = None) -> Answer:
    return lambda: {"group_state": state, "error": error, "members": list(members)}


def raising(error: Exception) -> Answer:
    def answer() -> Mapping[str, Any]:
        raise error

    return answer


def test_members_are_sorted_with_the_partitions_of_our_topic(
    brokers: Brokers, inspector: GroupInspector
) -> None:
    brokers.answers = [
        group(
            member("worker-2", assigned(messages=[3, 1], other=[7])),
            member("worker-1", assigned(messages=[0])),
        )
    ]
    assert list(inspector.members()) == [
        GroupMember("worker-1", (0,)),
        GroupMember("worker-2", (1, 3)),
    ]


def test_while_a_rebalance_is_under_way_members_own_nothing(
    brokers: Brokers, inspector: GroupInspector
) -> None:
    brokers.answers = [group(member("worker-1", b""), state="PreparingRebalance")]
    assert list(inspector.members()) == [GroupMember("worker-1", ())]


def test_a_group_that_nobody_has_joined_yet_has_no_members(
    brokers: Brokers, inspector: GroupInspector
) -> None:
    brokers.answers = [group(state="Dead", error="[Error 69] GroupIdNotFoundError")]
    assert list(inspector.members()) == []


@pytest.mark.parametrize(
    "moved",
    [raising(NotCoordinatorError()), group(error="[Error 16] NotCoordinatorError", state="")],
)
def test_a_group_that_has_moved_to_another_broker_is_asked_for_again(
    brokers: Brokers, inspector: GroupInspector, moved: Answer
) -> None:
    brokers.answers = [moved, group(member("worker-1", assigned(messages=[0])))]
    assert list(inspector.members()) == [GroupMember("worker-1", (0,))]
    assert brokers.clients == 2, "the old client would go on asking the old broker"
    assert brokers.closed.acquire(timeout=30.0)


def test_what_is_wrong_for_good_is_told(brokers: Brokers, inspector: GroupInspector) -> None:
    brokers.answers = [raising(GroupAuthorizationFailedError("not for you"))]
    with pytest.raises(LogUnavailable, match=r"group 'router' could not be read.*not for you"):
        inspector.members()


def test_a_group_that_never_arrives_is_told_within_the_deadline(
    brokers: Brokers, inspector: GroupInspector
) -> None:
    brokers.answers = [group(error="[Error 15] CoordinatorNotAvailableError", state="")]
    with within(0.3), pytest.raises(LogUnavailable, match="Error 15"):
        inspector.members()


def test_a_call_without_an_answer_ends_with_the_deadline_and_leaves_its_client(
    brokers: Brokers, inspector: GroupInspector
) -> None:
    silence = threading.Event()

    def wait() -> Mapping[str, Any]:
        assert silence.wait(60.0)
        return {}

    brokers.answers = [wait, group()]
    try:
        with within(0.05), pytest.raises(LogUnavailable, match="in time"):
            inspector.members()
        assert list(inspector.members()) == []
        assert brokers.clients == 2
    finally:
        silence.set()


def test_commits_are_positions_of_our_topic_with_their_watermarks(
    brokers: Brokers, inspector: GroupInspector
) -> None:
    offsets = {
        TopicPartition("messages", 0): OffsetAndMetadata(5, "T=77", -1),
        TopicPartition("messages", 1): OffsetAndMetadata(6, "", -1),
        TopicPartition("messages", 2): OffsetAndMetadata(-1, "", -1),
        TopicPartition("messages", 3): OffsetAndMetadata(0, "", -1),
        TopicPartition("other", 4): OffsetAndMetadata(7, "T=78", -1),
    }
    brokers.answers = [lambda: offsets]
    assert dict(inspector.committed()) == {0: Position(5, 77), 3: BEGINNING}


def test_nobody_is_asked_to_commit_nothing(brokers: Brokers, inspector: GroupInspector) -> None:
    inspector.commit({})
    assert brokers.clients == 0
