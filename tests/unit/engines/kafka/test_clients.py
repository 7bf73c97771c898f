from collections.abc import Callable

import pytest

from angarium.engines.kafka.clients import LINGER_MS, SenderClient


class Net:
    """The library's selector, asleep for as long as `asleep` takes."""

    def __init__(self) -> None:
        self.asleep: Callable[[], None] = lambda: None
        self.woken = 0

    def poll(self, timeout_ms: float | None, future: object) -> None:
        self.asleep()

    def wakeup(self) -> None:
        self.woken += 1


@pytest.fixture
def net() -> Net:
    return Net()


@pytest.fixture
def client(net: Net) -> SenderClient:
    client = SenderClient(net=net, manager=object())
    net.asleep = client.wakeup
    return client


@pytest.mark.parametrize("milliseconds", [0, 0.5, LINGER_MS])
def test_a_sender_that_will_look_soon_is_left_alone(
    client: SenderClient, net: Net, milliseconds: float
) -> None:
    client.poll(timeout_ms=milliseconds)
    assert net.woken == 0


@pytest.mark.parametrize("milliseconds", [LINGER_MS + 0.1, 60_000, None])
def test_a_sender_that_sleeps_longer_is_woken(
    client: SenderClient, net: Net, milliseconds: float | None
) -> None:
    client.poll(timeout_ms=milliseconds)
    assert net.woken == 1


def test_a_sender_is_woken_while_it_does_not_sleep(client: SenderClient, net: Net) -> None:
    client.wakeup()
    client.poll(timeout_ms=0)
    client.wakeup()
    assert net.woken == 2


def test_a_wait_that_fails_leaves_nobody_asleep(client: SenderClient, net: Net) -> None:
    def fail() -> None:
        raise RuntimeError("two at once")

    net.asleep = fail
    with pytest.raises(RuntimeError):
        client.poll(timeout_ms=0)
    client.wakeup()
    assert net.woken == 1
