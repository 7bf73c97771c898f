"""A join that ends between two polls, and an answer that comes after
its question's time, on kafka-python's own coordinator.
"""

from collections.abc import Iterator

import kafka
import pytest
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.errors import KafkaTimeoutError
from kafka.future import Future
from kafka.structs import OffsetAndMetadata, TopicPartition

from angarium.engines.kafka.patches.coordinator import JoinKeepingCoordinator
from tests.unit.engines.kafka.offline import offline_consumer

OUTCOME = b"an assignment"
PARTITION = TopicPartition("messages", 0)


class Group:
    """What a broker would do, and what the coordinator makes of it."""

    def __init__(self, coordinator: ConsumerCoordinator, monkeypatch: pytest.MonkeyPatch) -> None:
        self._coordinator = coordinator
        self.joins = 0
        self.completed: list[bytes] = []
        monkeypatch.setattr(coordinator, "ensure_coordinator_ready", lambda timeout_ms: True)
        monkeypatch.setattr(coordinator, "ensure_coordinator_ready_async", self._ready)
        monkeypatch.setattr(coordinator, "_do_join_and_sync_async", self._join)
        monkeypatch.setattr(coordinator, "_on_join_complete_async", self._complete)

    async def _ready(self, timeout_ms: float | None = None) -> bool:
        return True

    async def _join(self) -> bytes:
        self.joins += 1
        return b"another assignment"

    async def _complete(
        self, _generation: int, _member: str, _protocol: str, assignment: bytes
    ) -> None:
        self.completed.append(assignment)

    def end_a_join(self, outcome: Future | None = None) -> None:
        """Let a join end that the last poll left under way."""
        self._coordinator.rejoining = True
        self._coordinator._join_task = outcome or Future().success(OUTCOME)

    def need_no_other_join(self) -> None:
        """Let the metadata that the leader joins for have been
        seen to.
        """
        self._coordinator.rejoin_needed = False
        self._coordinator._joined_subscription = self._coordinator._subscription.subscription


@pytest.fixture
def consumer() -> Iterator[kafka.KafkaConsumer]:
    with offline_consumer() as consumer:
        consumer.subscribe(["messages"])
        yield consumer


def test_the_next_poll_takes_it_up(
    consumer: kafka.KafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    JoinKeepingCoordinator.take_over(consumer)
    group = Group(consumer._coordinator, monkeypatch)
    group.end_a_join()
    consumer.poll(timeout_ms=0)
    assert (group.completed, group.joins) == ([OUTCOME], 0)


def test_it_is_taken_up_also_when_no_other_join_is_needed(
    consumer: kafka.KafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    JoinKeepingCoordinator.take_over(consumer)
    group = Group(consumer._coordinator, monkeypatch)
    group.end_a_join()
    group.need_no_other_join()
    consumer.poll(timeout_ms=0)
    assert (group.completed, group.joins) == ([OUTCOME], 0)


def test_one_that_timed_out_is_begun_anew(
    consumer: kafka.KafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    JoinKeepingCoordinator.take_over(consumer)
    group = Group(consumer._coordinator, monkeypatch)
    group.end_a_join(Future().failure(KafkaTimeoutError()))
    consumer.poll(timeout_ms=100)
    assert group.joins > 0


def test_the_librarys_own_coordinator_still_leaves_it_when_no_other_join_is_needed(
    consumer: kafka.KafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When this fails the library has mended it: see
    `patches/README.md`.
    """
    group = Group(consumer._coordinator, monkeypatch)
    group.end_a_join()
    group.need_no_other_join()
    consumer.poll(timeout_ms=100)
    assert (group.completed, group.joins) == ([], 0)


def test_the_librarys_own_coordinator_still_drops_it_and_joins_anew(
    consumer: kafka.KafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When this fails the library has mended it: see
    `patches/README.md`.
    """
    group = Group(consumer._coordinator, monkeypatch)
    group.end_a_join()
    consumer.poll(timeout_ms=100)
    assert group.joins > 0
    assert OUTCOME not in group.completed


def test_a_poll_of_the_library_comes_to_what_is_overridden(
    consumer: kafka.KafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    JoinKeepingCoordinator.take_over(consumer)
    Group(consumer._coordinator, monkeypatch)
    asked: list[float | None] = []

    async def join(_self: JoinKeepingCoordinator, timeout_ms: float | None = None) -> bool:
        asked.append(timeout_ms)
        return False

    monkeypatch.setattr(JoinKeepingCoordinator, "join_group_async", join)
    consumer.poll(timeout_ms=0)
    assert asked


def committed(consumer: kafka.KafkaConsumer, seconds: float) -> OffsetAndMetadata | None:
    """Ask for the committed offset of a partition."""
    return consumer.committed(PARTITION, metadata=True, timeout_ms=round(seconds * 1000))


class Broker:
    """Answers questions for committed offsets when it is told to."""

    def __init__(self, coordinator: ConsumerCoordinator, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[Future] = []
        monkeypatch.setattr(coordinator, "ensure_coordinator_ready_async", self._ready)
        monkeypatch.setattr(coordinator, "_send_offset_fetch_request", self._ask)
        self.answers: list[int] = []

    async def _ready(self, timeout_ms: float | None = None) -> bool:
        return True

    def _ask(self, _partitions: object) -> Future:
        self.asked.append(Future())
        if self.answers:
            self.answer(self.answers.pop())
        return self.asked[-1]

    def answer(self, offset: int) -> None:
        """Answer the last question."""
        self.asked[-1].success({PARTITION: OffsetAndMetadata(offset, "T=1", -1)})


def late_and_now(consumer: kafka.KafkaConsumer, monkeypatch: pytest.MonkeyPatch) -> int:
    """Let the answer to one question come too late, and ask again after
    somebody else has committed.
    """
    broker = Broker(consumer._coordinator, monkeypatch)
    with pytest.raises(KafkaTimeoutError):
        committed(consumer, 0.05)
    broker.answer(1_000)
    broker.answers.append(1_000_000)
    now = committed(consumer, 5.0)
    assert now is not None
    return int(now.offset)


def test_an_answer_that_came_too_late_is_not_that_of_a_later_question(
    consumer: kafka.KafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partition would start again where it was hours ago."""
    JoinKeepingCoordinator.take_over(consumer)
    assert late_and_now(consumer, monkeypatch) == 1_000_000


def test_the_librarys_own_coordinator_still_keeps_it(
    consumer: kafka.KafkaConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When this fails the library has mended it: see
    `patches/README.md`.
    """
    assert late_and_now(consumer, monkeypatch) == 1_000
