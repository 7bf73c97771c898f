"""One notice an outage, whoever meets it."""

import pytest

from angarium.cli.chat.connection_status import ConnectionStatus
from angarium.cli.chat.events import (
    Event,
    ServerBack,
    ServerLost,
    ServerSilent,
)
from angarium.client.errors import ServerUnreachable
from tests.fakes.clock import ManualClock

AWAY = ServerUnreachable("http://x", "connection refused")


def test_an_outage_that_two_threads_meet_is_one_notice() -> None:
    events: list[Event] = []
    connection = ConnectionStatus(events.append, "http://x")
    connection.record_failure("sender", AWAY)
    connection.record_failure("feed", AWAY)
    connection.record_success("feed")
    assert events == [ServerLost("connection refused")]
    connection.record_success("sender")
    connection.record_success("sender")
    assert events == [ServerLost("connection refused"), ServerBack()]


class Silence:
    """A server that has taken requests and may answer some day."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.events: list[Event] = []
        self.status = ConnectionStatus(self.events.append, "http://x", self.clock.monotonic)

    def look(self, seconds: int) -> list[Event]:
        """Look once a second, and list what is found."""
        found = []
        for _ in range(seconds):
            self.clock.advance(1)
            found.append(self.status.find_silence())
        return [event for event in found if event is not None]


@pytest.fixture
def silence() -> Silence:
    return Silence()


def test_a_server_that_is_silent_is_told_after_three_seconds_and_once(silence: Silence) -> None:
    with silence.status.request("feed"):
        assert silence.look(2) == []
        assert silence.look(1) == [ServerSilent("http://x")]
        with silence.status.request("sender"):
            assert silence.look(20) == []
        silence.status.record_failure("sender", AWAY)
    silence.status.record_success("feed")
    assert silence.events == []
    silence.status.record_success("sender")
    assert silence.events == [ServerBack()]


def test_a_server_that_answers_in_time_is_not_called_silent(silence: Silence) -> None:
    for _ in range(5):
        with silence.status.request("feed"):
            assert silence.look(2) == []
    assert silence.look(60) == []


def test_a_chat_that_was_suspended_does_not_call_the_server_silent(silence: Silence) -> None:
    with silence.status.request("feed"):
        silence.look(1)
        silence.clock.advance(3600)
        assert silence.status.find_silence() is None
        assert silence.look(2) == []
        assert silence.look(1) == [ServerSilent("http://x")]
