import threading
from collections.abc import Callable

import pytest
from kafka.future import Future
from kafka.protocol.metadata import MetadataRequest
from kafka.protocol.producer import ProduceRequest

from angarium.engines.kafka.adaptive_linger import ALONE_S, BUSY_LINGER_MS, LINGER_MS
from angarium.engines.kafka.patches.connection_delay import BackoffClient
from angarium.engines.kafka.patches.sender_client import SenderClient
from tests.fakes.clock import ManualClock
from tests.unit.engines.kafka.offline import cluster_of, number, offline_producer

LONG_MS = 60_000.0
BOUND_S = 30.0


class Net:
    """The library's selector: a sleep takes as long as it may, by a
    clock that is moved by hand, unless `asleep` wakes it.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.asleep: list[Callable[[], None]] = []
        """What happens in each sleep, one after the other."""
        self.woken = 0
        self.slept: list[float | None] = []

    def poll(self, timeout_ms: float | None, future: object) -> None:
        self.slept.append(timeout_ms)
        woken = self.woken
        if self.asleep:
            self.asleep.pop(0)()
        if self.woken == woken and timeout_ms is not None:
            self._clock.advance(timeout_ms / 1000)

    def wakeup(self) -> None:
        self.woken += 1


class Manager:
    """The library's connections, which take every request."""

    def send(self, request: object, node_id: object) -> None:
        pass


class Producer:
    """What tells the client of records, as the producer does: each
    begins a batch.
    """

    def __init__(self, net: Net, clock: ManualClock) -> None:
        self._clock = clock
        self.client = SenderClient(clock, net=net, manager=Manager())

    def send(self) -> None:
        self.client.linger.record_arrived()
        self.client.wakeup()

    def leave(self) -> None:
        """The sender looks: all that wait leave in one request."""
        self.client.send(0, ProduceRequest())

    def be_busy(self) -> None:
        """Records come without a pause, for longer than they linger."""
        self.send()
        self._clock.advance(2 * LINGER_MS / 1000)
        self.send()


@pytest.fixture
def net(clock: ManualClock) -> Net:
    return Net(clock)


@pytest.fixture
def producer(net: Net, clock: ManualClock) -> Producer:
    """One whose sender last sent something a while ago."""
    producer = Producer(net, clock)
    producer.leave()
    clock.advance(2 * ALONE_S)
    return producer


def test_a_sender_with_nothing_to_do_sleeps_as_long_as_it_wants(
    producer: Producer, net: Net
) -> None:
    producer.client.poll(LONG_MS)
    producer.client.poll(None)
    assert net.slept == [LONG_MS, None]


@pytest.mark.parametrize("records", [1, 3])
def test_records_wake_a_sender_that_sleeps_once(
    producer: Producer, net: Net, records: int
) -> None:
    def send() -> None:
        for _ in range(records):
            producer.send()

    net.asleep = [send]
    producer.client.poll(None)
    assert net.woken == 1
    assert net.slept == [None]


def test_a_sender_that_did_not_sleep_when_a_record_came_does_not_begin_to(
    producer: Producer, net: Net
) -> None:
    producer.send()
    producer.client.poll(LONG_MS)
    assert net.woken == 0
    assert net.slept == [0]


def test_after_a_request_the_sender_looks_again_only_when_the_next_is_due(
    producer: Producer, net: Net, clock: ManualClock
) -> None:
    producer.leave()
    left_at = clock.monotonic()
    net.asleep = [producer.send, producer.send]
    producer.client.poll(0)
    assert net.woken == 0
    assert clock.monotonic() == pytest.approx(left_at + LINGER_MS / 1000)


def test_answers_that_come_meanwhile_are_taken_without_a_look(
    producer: Producer, net: Net, clock: ManualClock
) -> None:
    def answer() -> None:
        clock.advance(LINGER_MS / 4000)
        net.woken += 1

    producer.leave()
    net.asleep = [answer, answer, answer]
    producer.client.poll(0)
    assert len(net.slept) == 4


def test_a_request_of_another_kind_lets_no_record_wait(producer: Producer, net: Net) -> None:
    producer.client.send(0, MetadataRequest())
    producer.client.poll(0)
    assert net.slept == [0]


def test_while_the_caller_goes_on_without_a_pause_the_sender_is_left_alone_for_longer(
    producer: Producer, net: Net, clock: ManualClock
) -> None:
    producer.client.idle_hint()
    producer.leave()
    left_at = clock.monotonic()
    net.asleep = [producer.be_busy]
    producer.client.poll(0)
    assert net.woken == 0
    assert clock.monotonic() == pytest.approx(left_at + BUSY_LINGER_MS / 1000)


def test_a_pause_of_the_caller_wakes_the_sender_that_lingers_for_longer(
    producer: Producer, net: Net, clock: ManualClock
) -> None:
    producer.client.idle_hint()
    producer.leave()
    left_at = clock.monotonic()
    net.asleep = [producer.be_busy, producer.client.idle_hint]
    producer.client.poll(0)
    assert net.woken == 1
    assert clock.monotonic() < left_at + BUSY_LINGER_MS / 1000


def test_a_pause_between_a_choice_and_the_sleep_behind_it_is_not_missed(
    producer: Producer, net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    linger = producer.client.linger
    chosen = linger.due_at
    pauses = [producer.client.idle_hint]

    def pause_after_the_choice() -> float:
        due_at = chosen()
        while pauses:
            pauses.pop()()
        return due_at

    producer.client.idle_hint()
    producer.leave()
    producer.be_busy()
    monkeypatch.setattr(linger, "due_at", pause_after_the_choice)
    producer.client.poll(0)
    assert net.woken == 1


def test_a_pause_with_nothing_sent_before_it_wakes_nobody(producer: Producer, net: Net) -> None:
    producer.client.idle_hint()
    net.asleep = [producer.client.idle_hint]
    producer.client.poll(LONG_MS)
    assert net.woken == 0


def test_a_wait_that_fails_leaves_nobody_asleep(producer: Producer, net: Net) -> None:
    def fail() -> None:
        raise RuntimeError("two at once")

    net.asleep = [fail]
    with pytest.raises(RuntimeError):
        producer.client.poll(LONG_MS)
    producer.send()
    assert net.woken == 0
    producer.client.poll(LONG_MS)
    assert net.slept[-1] == 0


def test_the_librarys_producer_calls_what_is_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    called = {name: threading.Event() for name in ("poll", "wakeup")}

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
        assert called["poll"].wait(BOUND_S)
        called["wakeup"].clear()
        producer.send("messages", b"value")
        assert called["wakeup"].is_set(), (
            "the producer wakes its sender for each batch that it begins"
        )


def test_the_librarys_sender_sends_records_by_what_is_overridden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Connected(SenderClient):
        def is_ready(self, node_id: object) -> bool:
            # Its own thread must not ask for another producer id.
            return threading.current_thread() is threading.main_thread()

    monkeypatch.setattr(BackoffClient, "send", lambda *_, **__: Future())
    with offline_producer(kafka_client=Connected) as producer:
        client = producer._sender._client
        cluster_of(client, "messages")
        number(producer)
        never = client.linger.due_at()
        producer.send("messages", b"value")
        producer._sender._send_producer_data()
        assert client.linger.due_at() > never
