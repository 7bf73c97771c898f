"""Own lines go out in order, each until the log has it."""

import itertools
from collections.abc import Iterator

import pytest

from angarium.cli.chat.connection_status import IDLE_WAIT_S, ConnectionStatus, LoginStatus
from angarium.cli.chat.events import (
    Event,
    LineAccepted,
    LineRejected,
    LoginNeeded,
    OwnLine,
    ServerBack,
    ServerLost,
    ServerSilent,
)
from angarium.cli.chat.sender import Outbox, Sender
from angarium.client.errors import ApiProblem, RequestFailed, ServerUnreachable
from tests.fakes.clock import ManualClock
from tests.unit.cli.fake_service import FakeClient, FakeService, conversation_of

AWAY = ServerUnreachable("http://x", "connection refused")


def waits() -> Iterator[float]:
    return itertools.count(1.0)


class Sending:
    def __init__(self) -> None:
        self.service = FakeService()
        self.client = FakeClient(self.service, "alice", "bob")
        self.events: list[Event] = []
        self.outbox = Outbox(most=3)
        connection = ConnectionStatus(self.events.append, "http://x")
        conversation = conversation_of("alice", "bob")
        self.login = LoginStatus(self.events.append)
        self.sender = Sender(
            self.client, self.outbox, connection, self.login, self.events.append, waits
        )
        self.sender.enter(conversation)

    def put(self, *contents: str) -> list[OwnLine]:
        lines = [OwnLine.of(content) for content in contents]
        for line in lines:
            self.outbox.put(line)
        return lines

    def said(self) -> list[str]:
        return [message.content for message in self.service.messages]


@pytest.fixture
def sending() -> Sending:
    return Sending()


def test_lines_are_sent_one_after_the_other(sending: Sending) -> None:
    first, second = sending.put("one", "two")
    assert sending.sender.step() == 0.0
    assert sending.said() == ["one"]
    assert sending.sender.step() == 0.0
    assert sending.said() == ["one", "two"]
    assert sending.events == [LineAccepted(first), LineAccepted(second)]
    assert sending.sender.step() == IDLE_WAIT_S
    assert sending.outbox.lines() == ()


def test_a_line_keeps_its_id_until_it_is_accepted(sending: Sending) -> None:
    (line,) = sending.put("one")
    sending.client.before += [AWAY, None, None]
    sending.client.after += [AWAY]
    assert sending.sender.step() == 1.0
    assert sending.sender.step() == 2.0
    assert sending.sender.step() == 0.0
    assert sending.said() == ["one"]
    assert sending.service.sent_ids == [line.message_id, line.message_id]


def test_no_later_line_overtakes_one_that_fails(sending: Sending) -> None:
    sending.put("one", "two")
    sending.client.before.append(AWAY)
    for _ in range(3):
        sending.sender.step()
    assert sending.said() == ["one", "two"]


def test_an_outage_is_told_once_and_its_end_once(sending: Sending) -> None:
    (line,) = sending.put("one")
    sending.client.before += [AWAY, AWAY, AWAY]
    assert [sending.sender.step() for _ in range(4)] == [1.0, 2.0, 3.0, 0.0]
    assert sending.events == [ServerLost("connection refused"), LineAccepted(line), ServerBack()]


def test_after_an_outage_the_waits_begin_small_again(sending: Sending) -> None:
    sending.put("one", "two")
    sending.client.before += [AWAY, AWAY, None, AWAY]
    assert [sending.sender.step() for _ in range(5)] == [1.0, 2.0, 0.0, 1.0, 0.0]


def test_the_servers_own_wait_is_kept_to(sending: Sending) -> None:
    sending.put("one")
    sending.client.before.append(ApiProblem(503, "overloaded", "Too much.", retry_after=7.0))
    assert sending.sender.step() == 7.0
    assert sending.events == [ServerLost("Too much. [overloaded]")]


@pytest.mark.parametrize("code", ["empty_content", "invalid_content", "content_too_large"])
def test_a_line_that_the_server_will_never_take_is_left_out(code: str, sending: Sending) -> None:
    bad, good = sending.put("bad", "good")
    sending.client.before.append(ApiProblem(400, code, "No."))
    assert [sending.sender.step(), sending.sender.step()] == [0.0, 0.0]
    assert sending.events == [LineRejected(bad, "No."), LineAccepted(good)]
    assert sending.said() == ["good"]


FATAL = [
    ApiProblem(404, "conversation_not_found", "Gone."),
    ApiProblem(400, "recipient_mismatch", "Strange."),
]


@pytest.mark.parametrize("failure", FATAL)
def test_what_concerns_every_line_ends_the_sending_and_keeps_the_line(
    failure: RequestFailed, sending: Sending
) -> None:
    (line,) = sending.put("one")
    sending.client.before.append(failure)
    with pytest.raises(type(failure)):
        sending.sender.step()
    assert sending.outbox.lines() == (line,)


def test_without_a_good_login_nothing_is_sent_until_there_is_one(sending: Sending) -> None:
    (line,) = sending.put("one")
    expired = ApiProblem(401, "expired_token", "Expired")
    sending.client.before.append(expired)
    assert [sending.sender.step(), sending.sender.step()] == [IDLE_WAIT_S, IDLE_WAIT_S]
    assert sending.events == [LoginNeeded(expired)]
    assert sending.client.calls == ["send"]
    sending.login.renew()
    sending.sender.step()
    assert sending.events[1:] == [LineAccepted(line)]


def test_an_old_tokens_late_refusal_is_no_news() -> None:
    events: list[Event] = []
    login = LoginStatus(events.append)
    expired = ApiProblem(401, "expired_token", "Expired")
    number = login.number
    login.refuse(number, expired)
    login.refuse(number, expired)
    login.renew()
    login.refuse(number, expired)
    assert events == [LoginNeeded(expired)]
    assert not login.is_needed


def test_the_outbox_is_bounded(sending: Sending) -> None:
    sending.put("one", "two")
    assert not sending.outbox.is_full
    sending.put("three")
    assert sending.outbox.is_full
    sending.sender.step()
    assert not sending.outbox.is_full


def test_a_line_that_waits_for_its_answer_can_show_that_the_server_is_silent(
    sending: Sending,
) -> None:
    sending.put("one")
    clock = ManualClock()
    status = ConnectionStatus(sending.events.append, "http://x", clock.monotonic)
    sender = Sender(sending.client, sending.outbox, status, sending.login, sending.events.append)
    told: list[object] = []

    def wait() -> None:
        for _ in range(3):
            clock.advance(1)
            told.append(status.find_silence())

    sending.client.during = wait
    sender.step()
    assert told == [None, None, ServerSilent("http://x")]
    assert sending.events[-1] == ServerBack()
