"""A join that ends between two polls, on kafka-python's own
coordinator.
"""

from collections.abc import Iterator

import kafka
import pytest
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.errors import KafkaTimeoutError
from kafka.future import Future

from angarium.engines.kafka.patches.coordinator import JoinKeepingCoordinator
from tests.unit.engines.kafka.offline import offline_consumer

OUTCOME = b"an assignment"


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
