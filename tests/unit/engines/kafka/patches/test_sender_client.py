import threading
from collections.abc import Callable

import pytest

from angarium.engines.kafka.adaptive_linger import ALONE_SECONDS, BUSY_LINGER_MS, LINGER_MS
from angarium.engines.kafka.patches.sender_client import SenderClient
from tests.fakes.clock import ManualClock
from tests.unit.engines.kafka.offline import cluster_of, offline_producer

LONG_MS = 60_000.0
BOUND_SECONDS = 30.0


class Net:
    """The library's selector, asleep for as long as `asleep` takes."""

    def __init__(self) -> None:
        self.asleep: Callable[[], None] = lambda: None
        self.woken = 0
        self.slept: list[float | None] = []

    def poll(self, timeout_ms: float | None, future: object) -> None:
        self.slept.append(timeout_ms)
        self.asleep()

    def wakeup(self) -> None:
        self.woken += 1


class Producer:
    """What tells the client of records, as the producer does: each
    begins a batch.
    """

    def __init__(self, net: Net, clock: ManualClock) -> None:
        self._clock = clock
        self.client = SenderClient(clock, net=net, manager=object())
        self.lingers: list[float] = []
        self.client.steer(self.lingers.append)

    def send(self, records: int = 1, between: float = ALONE_SECONDS / 4) -> None:
        for _ in range(records):
            self._clock.advance(between)
            self.client.linger.record_arrived()
            self.client.wakeup()


@pytest.fixture
def net() -> Net:
    return Net()


@pytest.fixture
def producer(net: Net, clock: ManualClock) -> Producer:
    """One who has just sent a record, which the sender has looked
    at.
    """
    producer = Producer(net, clock)
    producer.send()
    producer.client.poll(0)
    net.slept.clear()
    producer.lingers.clear()
    return producer


@pytest.mark.parametrize("milliseconds", [0, 0.5, LINGER_MS])
def test_a_sender_that_looks_before_the_batch_has_lingered_is_left_alone(
    producer: Producer, net: Net, milliseconds: float
) -> None:
    net.asleep = lambda: producer.send(between=0)
    producer.client.poll(milliseconds)
    assert net.woken == 0


@pytest.mark.parametrize("milliseconds", [LINGER_MS + 10, LONG_MS, None])
def test_a_sender_that_sleeps_longer_is_woken_once(
    producer: Producer, net: Net, milliseconds: float | None
) -> None:
    net.asleep = lambda: producer.send(3)
    producer.client.poll(milliseconds)
    assert net.woken == 1


def test_a_record_that_nobody_follows_wakes_the_sender(producer: Producer, net: Net) -> None:
    net.asleep = lambda: producer.send(between=2 * ALONE_SECONDS)
    producer.client.poll(LINGER_MS + 2 * ALONE_SECONDS * 1000)
    assert net.woken == 1
    assert producer.lingers == [0]


def test_a_sender_that_did_not_sleep_when_a_record_came_does_not_sleep_past_it(
    producer: Producer, net: Net
) -> None:
    producer.send()
    producer.client.poll(LONG_MS)
    assert net.woken == 0
    assert net.slept == [LINGER_MS]


def test_a_sender_with_nothing_new_sleeps_as_long_as_it_wants(
    producer: Producer, net: Net
) -> None:
    producer.client.poll(LONG_MS)
    producer.client.poll(None)
    assert net.slept == [LONG_MS, None]


def test_while_the_caller_goes_on_without_a_pause_the_sender_is_left_alone_for_longer(
    producer: Producer, net: Net
) -> None:
    producer.client.idle_hint()
    producer.send(3)
    producer.client.poll(0)
    net.asleep = lambda: producer.send(3)
    producer.client.poll(BUSY_LINGER_MS)
    assert net.woken == 0
    assert producer.lingers == [BUSY_LINGER_MS, BUSY_LINGER_MS]


def test_a_pause_of_the_caller_wakes_the_sender_that_lingers_for_longer(
    producer: Producer, net: Net
) -> None:
    producer.client.idle_hint()
    producer.send(3)
    producer.client.poll(0)
    net.asleep = producer.client.idle_hint
    producer.client.poll(BUSY_LINGER_MS)
    assert net.woken == 1
    assert producer.lingers == [BUSY_LINGER_MS, LINGER_MS]


def test_a_pause_with_nothing_sent_before_it_wakes_nobody(producer: Producer, net: Net) -> None:
    producer.client.idle_hint()
    net.asleep = producer.client.idle_hint
    producer.client.poll(LONG_MS)
    assert net.woken == 0


def test_a_pause_between_a_look_and_the_sleep_behind_it_shortens_that(
    producer: Producer, net: Net
) -> None:
    producer.client.idle_hint()
    producer.send(3)
    producer.client.poll(0)
    assert producer.lingers == [BUSY_LINGER_MS]
    producer.client.idle_hint()
    producer.client.poll(BUSY_LINGER_MS)
    assert net.slept[-1] == LINGER_MS


def test_a_wait_that_fails_leaves_nobody_asleep(producer: Producer, net: Net) -> None:
    def fail() -> None:
        raise RuntimeError("two at once")

    net.asleep = fail
    with pytest.raises(RuntimeError):
        producer.client.poll(LONG_MS)
    producer.send()
    assert net.woken == 0
    net.asleep = lambda: None
    producer.client.poll(LONG_MS)
    assert net.slept[-1] == LINGER_MS


def test_the_librarys_producer_calls_what_is_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    called: dict[str, threading.Event] = {"poll": threading.Event(), "wakeup": threading.Event()}

    def spy(name: str) -> Callable[..., None]:
        method = getattr(SenderClient, name)

        def call(client: SenderClient, *args: object, **kwargs: object) -> None:
            called[name].set()
            method(client, *args, **kwargs)

        return call

    for name in called:
        monkeypatch.setattr(SenderClient, name, spy(name))
    with offline_producer(kafka_client=SenderClient) as producer:
        cluster_of(producer._sender._client, "messages")
        assert called["poll"].wait(BOUND_SECONDS)
        called["wakeup"].clear()
        producer.send("messages", b"value")
        assert called["wakeup"].is_set(), (
            "the producer wakes its sender for each batch that it begins"
        )
