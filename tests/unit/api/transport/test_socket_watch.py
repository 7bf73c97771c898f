import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from angarium.api.transport.socket_watch import SocketWatch

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Client:
    """A connection whose other end has sent something."""

    def __init__(self, closing: ExitStack) -> None:
        self.connection, self._other = map(closing.enter_context, socket.socketpair())
        self._other.sendall(b"ready")


class Watching:
    """A watch, and what its selector reports."""

    def __init__(self, closing: ExitStack) -> None:
        self._selector = closing.enter_context(selectors.DefaultSelector())
        self.watch: SocketWatch[Client] = SocketWatch(self._selector)
        self.client = Client(closing)

    def reported(self) -> int:
        """At which events the client is reported now, 0 for not."""
        return sum(events for _, events in self._selector.select(0))


@pytest.fixture
def watching() -> Iterator[Watching]:
    with ExitStack() as closing:
        watching = Watching(closing)
        watching.watch.watch(watching.client, 0, READ)
        yield watching


def test_who_is_ready_is_reported_again_and_again_at_the_events_that_are_watched(
    watching: Watching,
) -> None:
    assert [watching.reported(), watching.reported()] == [READ, READ]
    watching.watch.watch(watching.client, READ, READ | WRITE)
    assert watching.reported() == READ | WRITE
    watching.watch.watch(watching.client, READ | WRITE, 0)
    assert watching.reported() == 0


def test_who_is_set_aside_is_not_reported_before_its_turn(watching: Watching) -> None:
    watching.watch.set_aside(watching.client)
    assert watching.reported() == 0
    watching.watch.resume(watching.client)
    assert watching.reported() == READ


def test_a_turn_of_somebody_who_was_not_set_aside_changes_nothing(watching: Watching) -> None:
    watching.watch.resume(watching.client)
    assert watching.reported() == READ


def test_what_is_watched_meanwhile_counts_from_the_turn_on(watching: Watching) -> None:
    watching.watch.set_aside(watching.client)
    watching.watch.watch(watching.client, READ, WRITE)
    assert watching.reported() == 0
    watching.watch.resume(watching.client)
    assert watching.reported() == WRITE


def test_who_leaves_meanwhile_is_not_reported_after_the_turn(watching: Watching) -> None:
    watching.watch.set_aside(watching.client)
    watching.watch.watch(watching.client, READ, 0)
    watching.client.connection.close()
    watching.watch.resume(watching.client)
    assert watching.reported() == 0


def test_who_comes_back_after_it_left_is_reported(watching: Watching) -> None:
    watching.watch.set_aside(watching.client)
    watching.watch.watch(watching.client, READ, 0)
    watching.watch.watch(watching.client, 0, READ)
    watching.watch.resume(watching.client)
    assert watching.reported() == READ
