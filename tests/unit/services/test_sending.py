import threading
from uuid import UUID, uuid4

import pytest

from angarium.domain.conversation import Conversation
from angarium.domain.errors import Code, LogUnavailable, RecordTooLarge, Refused
from angarium.domain.events import NewMessage, decode
from angarium.domain.identifiers import conversation_id_for, text_of, user_id_for
from angarium.ports.message_log import Appended
from angarium.services.sending import Sending, Submission
from tests.fakes.clock import ManualClock
from tests.fakes.log import MemoryLog
from tests.unit.services.fake_logs import PendingLog, RefusingLog
from tests.unit.services.log_lines import LogLines

ALICE, BOB = user_id_for("alice"), user_id_for("bob")
FIRST, SECOND = sorted((ALICE, BOB), key=str)
CONVERSATION = Conversation(conversation_id_for(ALICE, BOB), (FIRST, SECOND), 1)
TRACE = "0123456789abcdef" * 2


def sent(log: PendingLog) -> NewMessage:
    record = log.records[-1]
    event = decode(record.value, record.headers["schema"])
    assert isinstance(event, NewMessage)
    return event


def test_a_message_goes_to_the_log_under_its_conversation(clock: ManualClock) -> None:
    log = PendingLog()
    pending = Sending(log, clock, "api-1").submit(
        CONVERSATION, ALICE, Submission("Grüße, 世界"), TRACE
    )
    event = sent(log)
    assert (event.sender_id, event.recipient_id, event.content) == (ALICE, BOB, "Grüße, 世界")
    assert event.conversation_id == CONVERSATION.conversation_id
    assert event.timestamp == clock.now_ms()
    assert event.message_id == pending.message_id
    assert log.records[0].key == str(CONVERSATION.conversation_id).encode()
    assert log.records[0].headers == {
        "trace_id": TRACE,
        "schema": "1",
        "instance": "api-1",
    }


def test_the_recipient_is_the_other_one_whoever_sends(clock: ManualClock) -> None:
    log = PendingLog()
    Sending(log, clock, "api-1").submit(CONVERSATION, BOB, Submission("hello"), TRACE)
    assert (sent(log).sender_id, sent(log).recipient_id) == (BOB, ALICE)


def test_the_clients_own_id_is_kept(clock: ManualClock) -> None:
    log = PendingLog()
    for message_id in (uuid4(), UUID(int=0)):
        submission = Submission("hello", message_id=message_id)
        assert (
            Sending(log, clock, "api-1").submit(CONVERSATION, ALICE, submission, TRACE).message_id
            == message_id
        )
        assert sent(log).message_id == message_id


def test_a_retry_with_the_same_id_is_another_event_of_the_same_message(clock: ManualClock) -> None:
    log = PendingLog()
    sending = Sending(log, clock, "api-1")
    submission = Submission("hello", message_id=uuid4())
    sending.submit(CONVERSATION, ALICE, submission, TRACE)
    first = sent(log)
    sending.submit(CONVERSATION, ALICE, submission, TRACE)
    assert sent(log).message_id == first.message_id
    assert sent(log).event_id != first.event_id


def test_minted_ids_are_ordered_by_time_and_never_repeat(clock: ManualClock) -> None:
    sending = Sending(PendingLog(), clock, "api-1")
    ids = []
    for _ in range(50):
        ids.append(sending.submit(CONVERSATION, ALICE, Submission("hello"), TRACE).message_id)
        clock.advance(0.001)
    assert ids == sorted(ids)
    assert len(set(ids)) == 50
    assert {each.version for each in ids} == {7}


def test_a_message_and_its_event_share_no_randomness(clock: ManualClock) -> None:
    log = PendingLog()
    given = iter([bytes(range(16)), bytes(range(16, 32))])
    sending = Sending(log, clock, "api-1", entropy=lambda: next(given))
    pending = sending.submit(CONVERSATION, ALICE, Submission("hello"), TRACE)
    assert pending.message_id != sent(log).event_id


def test_the_recipient_may_be_named_when_it_is_the_other_one(clock: ManualClock) -> None:
    log = PendingLog()
    Sending(log, clock, "api-1").submit(CONVERSATION, ALICE, Submission("hello", BOB), TRACE)
    assert len(log.records) == 1


@pytest.mark.parametrize("recipient_id", [ALICE, uuid4()])
def test_another_recipient_is_refused_and_nothing_is_sent(
    clock: ManualClock, recipient_id: UUID
) -> None:
    log = PendingLog()
    with pytest.raises(Refused) as refusal:
        Sending(log, clock, "api-1").submit(
            CONVERSATION, ALICE, Submission("hello", recipient_id), TRACE
        )
    (problem,) = refusal.value.problems
    assert (problem.code, problem.field) == (Code.RECIPIENT_MISMATCH, "recipient_id")
    assert log.records == []


def test_a_message_is_accepted_only_once_the_log_has_it(
    clock: ManualClock, lines: LogLines
) -> None:
    log = PendingLog()
    pending = Sending(log, clock, "api-1").submit(CONVERSATION, ALICE, Submission("hello"), TRACE)
    assert not pending.appended.done()
    assert lines.of("message_accepted") == []
    clock.advance(0.0421)
    position = Appended(7, 42, 1_700_000_000_040)
    # The engine answers on a thread of its own, which knows nothing of
    # the request.
    engine = threading.Thread(target=log.futures[0].set_result, args=(position,))
    engine.start()
    engine.join(10)
    assert pending.appended.result(0) == position
    assert lines.of("message_accepted") == [
        {
            "trace_id": TRACE,
            "conversation_id": str(CONVERSATION.conversation_id),
            "message_id": str(pending.message_id),
            "user_id": str(ALICE),
            "partition": 7,
            "offset": 42,
            "duration_ms": 42.1,
        }
    ]


def test_a_failed_append_is_told_and_logged_with_the_ids(
    clock: ManualClock, lines: LogLines
) -> None:
    log = PendingLog()
    pending = Sending(log, clock, "api-1").submit(CONVERSATION, ALICE, Submission("hello"), TRACE)
    log.futures[0].set_exception(LogUnavailable("not acknowledged in time"))
    with pytest.raises(LogUnavailable):
        pending.appended.result(0)
    (line,) = lines.of("log_unavailable")
    assert line["trace_id"] == TRACE
    assert line["message_id"] == str(pending.message_id)
    assert line["error_type"] == "LogUnavailable"
    assert lines.of("message_accepted") == []


def test_a_log_that_takes_nothing_still_leaves_the_id_for_the_retry(
    clock: ManualClock, lines: LogLines
) -> None:
    pending = Sending(RefusingLog(), clock, "api-1").submit(
        CONVERSATION, ALICE, Submission("hello"), TRACE
    )
    with pytest.raises(LogUnavailable):
        pending.appended.result(0)
    assert pending.message_id.version == 7
    (line,) = lines.of("log_unavailable")
    assert line["message_id"] == str(pending.message_id)


def test_an_outage_is_told_once_in_a_while_however_many_messages_are_refused(
    clock: ManualClock, lines: LogLines
) -> None:
    sending = Sending(RefusingLog(), clock, "api-1")
    for _ in range(12):
        sending.submit(CONVERSATION, ALICE, Submission("hello"), TRACE)
        clock.advance(2.0)
    assert lines.levels("log_unavailable") == (["ERROR"] + ["DEBUG"] * 4) * 2 + ["ERROR", "DEBUG"]
    assert [line.get("repeats") for line in lines.of("log_unavailable")][::5] == [None, 4, 4]


def test_an_error_that_no_log_should_give_is_logged_as_such(
    clock: ManualClock, lines: LogLines
) -> None:
    log = PendingLog()
    Sending(log, clock, "api-1").submit(CONVERSATION, ALICE, Submission("hello"), TRACE)
    log.futures[0].set_exception(RuntimeError("a bug"))
    (line,) = lines.of("append_failed")
    assert line["trace_id"] == TRACE


def test_no_line_holds_the_text(clock: ManualClock, lines: LogLines) -> None:
    for log in (MemoryLog(), RefusingLog()):
        Sending(log, clock, "api-1").submit(
            CONVERSATION, ALICE, Submission("a private word"), TRACE
        )
    assert len(lines.of("message_accepted")) == 1
    assert len(lines.of("log_unavailable")) == 1
    assert "private" not in lines.text()


def test_the_text_of_a_messages_id_is_not_kept_once_it_is_sent(clock: ManualClock) -> None:
    sending = Sending(PendingLog(), clock, "api-1")
    sending.submit(CONVERSATION, ALICE, Submission("hello"), TRACE)
    kept = text_of.cache_info().currsize
    for _ in range(3):
        sending.submit(CONVERSATION, ALICE, Submission("hello"), TRACE)
    assert text_of.cache_info().currsize == kept


def test_a_record_that_is_too_large_for_the_log_is_told_once_in_a_while(
    clock: ManualClock, lines: LogLines
) -> None:
    log = PendingLog()
    sending = Sending(log, clock, "api-1")
    for _ in range(3):
        pending = sending.submit(CONVERSATION, ALICE, Submission("hello"), TRACE)
        log.futures[-1].set_exception(
            RecordTooLarge("topic 'messages' takes no record of 62000 bytes")
        )
        assert isinstance(pending.appended.exception(0), RecordTooLarge)
    assert lines.levels("record_too_large") == ["ERROR", "DEBUG", "DEBUG"]
    assert lines.of("record_too_large")[0]["trace_id"] == TRACE
    assert lines.of("log_unavailable") == []
