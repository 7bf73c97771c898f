"""What a chat shows, sends and waits for."""

import json
from collections.abc import Callable

import pytest

from angarium.cli.chat.chat_session import GIVE_UP_S
from angarium.cli.chat.events import (
    ChatFailed,
    HistoryLoaded,
    LineRejected,
    MessagesArrived,
    ReceiptsAccepted,
    ServerBack,
    ServerLost,
    ServerSilent,
    StatusRaised,
)
from angarium.cli.message_lines import local_time
from angarium.client import bodies
from angarium.client.errors import ApiProblem
from tests.unit.cli.chat.talking import Talking, typing
from tests.unit.cli.fake_service import START


def test_messages_are_shown_and_those_to_me_confirmed(talking: Talking) -> None:
    mine, theirs = talking.stored("alice", "hi"), talking.stored("bob", "hello")
    talking.chat.handle(HistoryLoaded((mine, theirs)))
    assert talking.out.getvalue().splitlines() == [
        f"{local_time(START)}  alice: hi  [sent]",
        f"{local_time(theirs.sent_at)}  bob: hello",
    ]
    assert talking.feed.has_receipts
    talking.feed.step()
    talking.feed.step()
    assert talking.service.receipts == [theirs.message_id]


def test_what_was_confirmed_before_is_not_confirmed_again(talking: Talking) -> None:
    talking.stored("bob", "hello")
    talking.service.messages[0].status = "DELIVERED"
    talking.chat.handle(
        MessagesArrived(
            (bodies.message(json.loads(json.dumps(talking.service.messages[0].body()))),)
        )
    )
    assert not talking.feed.has_receipts


def test_in_a_pipe_a_rise_is_one_line_for_many_messages(talking: Talking) -> None:
    one, other = talking.stored("alice", "one"), talking.stored("alice", "two")
    talking.service.deliver([one.message_id, other.message_id])
    talking.chat.handle(
        StatusRaised(tuple(bodies.message(message.body()) for message in talking.service.messages))
    )
    talking.chat.handle(StatusRaised((bodies.message(talking.service.messages[0].body()),)))
    assert talking.out.getvalue().splitlines() == [
        f"[delivered] 2 messages, the newest of {local_time(other.sent_at)}",
        f"[delivered] 1 message, the newest of {local_time(one.sent_at)}",
    ]


def test_as_json_messages_are_the_apis_own_and_shown_again_when_they_rise() -> None:
    talking = Talking(as_json=True)
    message = talking.stored("alice", "ü")
    talking.chat.handle(MessagesArrived((message,)))
    talking.service.deliver([message.message_id])
    talking.chat.handle(StatusRaised((bodies.message(talking.service.messages[0].body()),)))
    first, second = (json.loads(line) for line in talking.out.getvalue().splitlines())
    assert first == message.fields
    assert second == {**message.fields, "status": "DELIVERED"}
    assert "ü" in talking.out.getvalue()


UNSENDABLE = [
    ("", "line 1 was not sent: the line is empty"),
    (" \t", "line 1 was not sent: the line is empty"),
    ("x" * 10_241, "line 1 was not sent: 10,241 bytes, the limit is 10,240"),
    ("a\x00", "line 1 was not sent: The character at index 1 is U+0000"),
    ("a\udcff", "line 1 was not sent: not UTF-8 (byte 0xff at position 1)"),
]


@pytest.mark.parametrize(("text", "line"), UNSENDABLE)
def test_a_line_that_cannot_be_sent_is_told_and_not_sent(
    text: str, line: str, talking: Talking
) -> None:
    talking.chat.type(text, len(text.encode("utf-8", "surrogatepass")))
    assert talking.err.getvalue().startswith(f"angarium: {line}")
    assert talking.outbox.lines() == ()
    assert talking.chat.skipped == (1 if text.strip() else 0)


def test_the_longest_line_is_sent(talking: Talking) -> None:
    assert talking.type("ä" * 5_120).content == "ä" * 5_120


def test_reading_pauses_while_too_many_lines_wait(talking: Talking) -> None:
    for text in "abc":
        assert talking.chat.reads_input
        talking.type(text)
    assert not talking.chat.reads_input
    talking.accept()
    assert talking.chat.reads_input


def test_an_outage_is_told_beside_the_conversation(talking: Talking) -> None:
    talking.chat.handle(ServerLost("connection refused"))
    talking.chat.handle(ServerBack())
    assert talking.err.getvalue().splitlines() == [
        "angarium: connection lost, retrying… (connection refused)",
        "angarium: back",
    ]
    assert talking.out.getvalue() == ""


def test_a_silent_server_is_told_with_its_address(talking: Talking) -> None:
    talking.chat.handle(ServerSilent("http://127.0.0.1:8080"))
    assert talking.err.getvalue() == (
        "angarium: no answer from http://127.0.0.1:8080 yet, still trying\n"
    )


def test_it_is_not_over_before_every_line_was_accepted(talking: Talking) -> None:
    talking.chat.handle(HistoryLoaded(()))
    line = talking.type("hi")
    assert not talking.chat.is_over()
    talking.chat.end()
    assert talking.chat.has_ended
    assert not talking.chat.reads_input
    talking.clock.advance(100)
    assert not talking.chat.is_over()
    assert talking.chat.not_accepted() == (line,)
    talking.accept()
    assert not talking.chat.is_over()
    talking.chat.handle(MessagesArrived((talking.stored("alice", "hi", line.message_id),)))
    assert talking.chat.is_over()
    assert talking.chat.not_stored() == 0


def test_the_worker_gets_some_time_and_no_more(talking: Talking) -> None:
    talking.chat.handle(HistoryLoaded(()))
    talking.type("hi")
    talking.chat.end()
    talking.accept()
    talking.clock.advance(1.9)
    assert not talking.chat.is_over()
    talking.clock.advance(0.2)
    assert talking.chat.is_over()
    assert talking.chat.not_stored() == 1


def test_a_line_seen_stored_before_its_acceptance_is_not_waited_for(talking: Talking) -> None:
    talking.chat.handle(HistoryLoaded(()))
    line = talking.type("hi")
    talking.chat.end()
    talking.chat.handle(MessagesArrived((talking.stored("alice", "hi", line.message_id),)))
    assert not talking.chat.is_over()
    talking.accept()
    assert talking.chat.is_over()


def test_a_line_that_was_refused_is_not_waited_for(talking: Talking) -> None:
    talking.chat.handle(HistoryLoaded(()))
    line = talking.type("hi")
    talking.chat.end()
    talking.outbox.take_first()
    talking.chat.handle(LineRejected(line, "No."))
    assert talking.chat.is_over()
    assert talking.chat.skipped == 1
    assert talking.err.getvalue() == "angarium: not sent: No.\n"


def test_without_a_line_the_conversation_is_still_shown_and_confirmed(talking: Talking) -> None:
    talking.chat.end()
    assert not talking.chat.is_over()
    talking.chat.handle(HistoryLoaded((talking.stored("bob", "hello"),)))
    assert not talking.chat.is_over()
    talking.feed.step()
    talking.feed.step()
    talking.chat.handle(ReceiptsAccepted())
    assert talking.chat.is_over()


def test_a_server_that_stays_away_is_given_up_after_minutes(talking: Talking) -> None:
    talking.chat.handle(HistoryLoaded(()))
    line = talking.type("hi")
    talking.chat.end()
    talking.clock.advance(GIVE_UP_S - 1)
    assert not talking.chat.is_over()
    talking.clock.advance(2)
    assert talking.chat.is_over()
    assert talking.chat.not_accepted() == (line,)


def test_as_long_as_lines_are_accepted_nobody_gives_up(talking: Talking) -> None:
    talking.chat.handle(HistoryLoaded(()))
    talking.type("one")
    talking.type("two")
    talking.chat.end()
    talking.clock.advance(GIVE_UP_S - 1)
    talking.accept()
    talking.clock.advance(GIVE_UP_S - 1)
    assert not talking.chat.is_over()


def test_a_person_at_a_terminal_is_not_timed_out(talking: Talking) -> None:
    talking.type("hi")
    talking.clock.advance(GIVE_UP_S * 10)
    assert not talking.chat.is_over()


def test_what_ends_the_talk_is_kept(talking: Talking) -> None:
    error = ApiProblem(401, "expired_token", "Expired")
    talking.chat.handle(ChatFailed(error))
    assert talking.chat.is_over()
    assert talking.chat.failure is error


def test_an_unknown_event_is_a_fault(talking: Talking) -> None:
    handle: Callable[[object], None] = talking.chat.handle  # type: ignore[assignment]
    with pytest.raises(TypeError, match="unknown event str"):
        handle("strange")


def test_a_person_keeps_a_line_that_is_refused_and_it_is_no_failure() -> None:
    talking, shown = typing()
    assert not talking.chat.type("x" * 10_241, 10_241)
    assert shown == ["notice not sent: 10,241 bytes, the limit is 10,240"]
    assert talking.chat.skipped == 0
    for text in "abc":
        assert talking.chat.type(text, 1)
    assert not talking.chat.type("d", 1)
    assert shown[-1] == "notice not sent: 3 lines are waiting"
    assert talking.chat.reads_input


def test_the_end_says_what_is_waited_for() -> None:
    talking, shown = typing()
    talking.chat.handle(HistoryLoaded(()))
    talking.type("one")
    talking.type("two")
    talking.chat.end()
    assert shown[-1] == "held waiting until 2 lines are accepted; Ctrl-C leaves without"
    talking.accept()
    assert shown[-1] == "held waiting until 1 line is accepted; Ctrl-C leaves without"
    talking.accept()
    assert shown[-1] == "held leaving…"
    assert not talking.chat.reads_input
