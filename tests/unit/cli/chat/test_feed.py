"""The conversation is polled, shown once, and confirmed."""

import itertools
from collections.abc import Iterator

import pytest

from angarium.cli.chat.connection_status import ConnectionStatus, LoginStatus
from angarium.cli.chat.events import (
    Event,
    HistoryLoaded,
    LoginNeeded,
    MessagesArrived,
    ReceiptsAccepted,
    ServerBack,
    ServerLost,
    ServerSilent,
    StatusRaised,
)
from angarium.cli.chat.feed import MAX_AT_ENTRY, Feed
from angarium.client.errors import ApiProblem, ServerUnreachable
from angarium.client.follow import ACTIVE_POLL_S, IDLE_POLL_S
from tests.fakes.clock import ManualClock
from tests.unit.cli.fake_service import FakeClient, FakeService, conversation_of, id_of

AWAY = ServerUnreachable("http://x", "connection refused")


def waits() -> Iterator[float]:
    return itertools.count(10.0)


class Feeding:
    def __init__(self) -> None:
        self.service = FakeService()
        self.client = FakeClient(self.service, "alice", "bob")
        self.events: list[Event] = []
        connection = ConnectionStatus(self.events.append, "http://x")
        conversation = conversation_of("alice", "bob")
        self.login = LoginStatus(self.events.append)
        self.feed = Feed(
            self.client, id_of("alice"), connection, self.login, self.events.append, waits
        )
        self.feed.enter(conversation)

    def step(self) -> list[Event]:
        self.events.clear()
        self.feed.step()
        return list(self.events)


@pytest.fixture
def feeding() -> Feeding:
    return Feeding()


@pytest.mark.parametrize("number", [0, 1, 2], ids=["new messages", "receipts", "statuses"])
def test_each_request_of_a_poll_can_show_that_the_server_is_silent(number: int) -> None:
    service, clock = FakeService(), ManualClock()
    client = FakeClient(service, "alice", "bob")
    events: list[Event] = []
    status = ConnectionStatus(events.append, "http://x", clock.monotonic)
    feed = Feed(client, id_of("alice"), status, LoginStatus(events.append), events.append)
    feed.enter(conversation_of("alice", "bob"))
    service.say("alice", "bob", "watched")
    feed.confirm_later(service.say("bob", "alice", "to be confirmed"))
    feed.step()
    feed.confirm_later(service.say("bob", "alice", "this too"))
    client.calls.clear()
    told: list[object] = []

    def wait() -> None:
        if len(client.calls) == number + 1:
            for _ in range(3):
                clock.advance(1)
                told.append(status.find_silence())

    client.during = wait
    feed.step()
    assert client.calls == ["history", "confirm", "history"]
    assert told == [None, None, ServerSilent("http://x")]
    assert events[-1] == ServerBack()


def contents(events: list[Event]) -> list[str]:
    return [
        message.content
        for event in events
        if isinstance(event, HistoryLoaded | MessagesArrived)
        for message in event.messages
    ]


def test_an_empty_conversation_is_entered(feeding: Feeding) -> None:
    assert feeding.step() == [HistoryLoaded(())]
    assert feeding.step() == []


def test_the_latest_messages_are_shown_at_the_entry(feeding: Feeding) -> None:
    for number in range(30):
        feeding.service.say("alice", "bob", f"n{number}")
    assert contents(feeding.step()) == [f"n{number}" for number in range(10, 30)]


def test_everything_that_waits_is_shown_at_the_entry(feeding: Feeding) -> None:
    for number in range(250):
        feeding.service.say("bob", "alice", f"n{number}")
    delivered = [message.message_id for message in feeding.service.messages[:30]]
    feeding.service.deliver(delivered)
    assert contents(feeding.step()) == [f"n{number}" for number in range(30, 250)]
    assert contents(feeding.step()) == []


def test_what_waits_is_shown_up_to_a_bound(feeding: Feeding) -> None:
    for number in range(MAX_AT_ENTRY + 150):
        feeding.service.say("bob", "alice", f"n{number}")
    assert len(contents(feeding.step())) == MAX_AT_ENTRY


def test_new_messages_are_shown_once_and_in_order(feeding: Feeding) -> None:
    feeding.service.say("bob", "alice", "before")
    seen = contents(feeding.step())
    for round_ in range(3):
        for number in range(120):
            feeding.service.say("bob", "alice", f"r{round_}n{number}")
        seen += contents(feeding.step())
        seen += contents(feeding.step())
        seen += contents(feeding.step())
    assert seen == [
        "before",
        *(f"r{round_}n{number}" for round_ in range(3) for number in range(120)),
    ]


def test_a_poll_that_fails_loses_and_doubles_nothing(feeding: Feeding) -> None:
    feeding.step()
    feeding.service.say("bob", "alice", "one")
    feeding.client.before.append(AWAY)
    assert feeding.step() == [ServerLost("connection refused")]
    feeding.client.after += [AWAY]
    assert feeding.step() == []
    events = feeding.step()
    assert contents(events) == ["one"]
    assert events[-1] == ServerBack()
    assert contents(feeding.step()) == []


def test_an_entry_that_fails_halfway_is_begun_again(feeding: Feeding) -> None:
    for number in range(150):
        feeding.service.say("bob", "alice", f"n{number}")
    feeding.client.before += [None, AWAY]
    assert feeding.step() == [ServerLost("connection refused")]
    assert len(contents(feeding.step())) == 150


def test_seen_messages_are_confirmed_and_only_then(feeding: Feeding) -> None:
    message_id = feeding.service.say("bob", "alice", "hello")
    feeding.step()
    assert feeding.service.receipts == []
    feeding.feed.confirm_later(message_id)
    assert feeding.feed.has_receipts
    assert feeding.step() == [ReceiptsAccepted()]
    assert feeding.service.receipts == [message_id]
    assert not feeding.feed.has_receipts
    assert feeding.step() == []


def test_receipts_go_out_by_the_hundred(feeding: Feeding) -> None:
    feeding.step()
    ids = [f"id{number}" for number in range(230)]
    for message_id in ids:
        feeding.feed.confirm_later(message_id)
    sizes = []
    while feeding.feed.has_receipts:
        before = len(feeding.service.receipts)
        feeding.step()
        sizes.append(len(feeding.service.receipts) - before)
    assert sizes == [100, 100, 30]
    assert feeding.service.receipts == ids


def test_a_receipt_that_fails_is_repeated(feeding: Feeding) -> None:
    message_id = feeding.service.say("bob", "alice", "hello")
    feeding.step()
    feeding.feed.confirm_later(message_id)
    feeding.client.after += [None, AWAY]
    feeding.step()
    assert feeding.feed.has_receipts
    feeding.step()
    assert feeding.service.receipts == [message_id, message_id]
    assert not feeding.feed.has_receipts


def test_the_status_of_own_messages_is_followed(feeding: Feeding) -> None:
    feeding.service.online = False
    feeding.step()
    message_id = feeding.service.say("alice", "bob", "hello")
    (arrived,) = feeding.step()
    assert isinstance(arrived, MessagesArrived)
    assert arrived.messages[0].status == "PENDING"
    assert feeding.step() == []
    feeding.service.deliver([message_id])
    (risen,) = feeding.step()
    assert isinstance(risen, StatusRaised)
    assert [(message.message_id, message.status) for message in risen.messages] == [
        (message_id, "DELIVERED")
    ]
    feeding.client.calls.clear()
    assert feeding.step() == []
    assert feeding.client.calls == ["history"]


def test_own_messages_of_before_are_followed_too(feeding: Feeding) -> None:
    message_id = feeding.service.say("alice", "bob", "hello")
    feeding.step()
    feeding.service.deliver([message_id])
    assert [type(event) for event in feeding.step()] == [StatusRaised]


def test_statuses_are_followed_over_many_pages(feeding: Feeding) -> None:
    feeding.step()
    ids = [feeding.service.say("alice", "bob", f"n{number}") for number in range(350)]
    for _ in range(10):
        feeding.step()
    feeding.service.deliver([ids[349]])
    risen = [event for _ in range(8) for event in feeding.step()]
    assert [type(event) for event in risen] == [StatusRaised]
    feeding.service.deliver(ids)
    count = 0
    for _ in range(12):
        count += sum(
            len(event.messages) for event in feeding.step() if isinstance(event, StatusRaised)
        )
    assert count == 349


def test_polling_calms_down_and_wakes_up_again(feeding: Feeding) -> None:
    assert feeding.feed.step() == ACTIVE_POLL_S
    quiet = [feeding.feed.step() for _ in range(12)]
    assert quiet == sorted(quiet)
    assert quiet[-1] == IDLE_POLL_S
    assert sum(quiet[: quiet.index(IDLE_POLL_S)]) > 5
    feeding.service.say("bob", "alice", "hello")
    assert feeding.feed.step() == ACTIVE_POLL_S
    for _ in range(12):
        feeding.feed.step()
    feeding.feed.stay_awake()
    assert feeding.feed.step() < IDLE_POLL_S


def test_what_fills_more_than_a_page_is_read_at_once(feeding: Feeding) -> None:
    feeding.step()
    for number in range(250):
        feeding.service.say("bob", "alice", f"n{number}")
    assert [feeding.feed.step() for _ in range(3)] == [0.0, 0.0, ACTIVE_POLL_S]


def test_an_outage_is_waited_out_longer_and_longer(feeding: Feeding) -> None:
    feeding.client.before += [AWAY, AWAY]
    assert [feeding.feed.step() for _ in range(3)] == [10.0, 11.0, ACTIVE_POLL_S]
    feeding.client.before += [AWAY]
    assert feeding.feed.step() == 10.0


def test_the_servers_own_wait_is_kept_to(feeding: Feeding) -> None:
    feeding.client.before.append(ApiProblem(503, "overloaded", "Too much.", retry_after=60.0))
    assert feeding.feed.step() == 60.0


def test_without_a_good_login_nothing_is_polled_until_there_is_one(feeding: Feeding) -> None:
    expired = ApiProblem(401, "expired_token", "Expired")
    feeding.client.before.append(expired)
    assert feeding.step() == [LoginNeeded(expired)]
    assert feeding.step() == []
    assert feeding.client.calls == ["history"]
    feeding.login.renew()
    assert feeding.step() == [HistoryLoaded(())]
