"""Any course of events leaves what a simple model of the promises
says.
"""

from collections.abc import Callable, Sequence
from typing import cast
from uuid import UUID, uuid5

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from angarium.domain.message import BEGINNING, Message, MessagePosition, Status
from angarium.ports.messages import (
    MessageReader,
    MessageWriter,
    Receipt,
    ReceiptOutcome,
    StoreOutcome,
)
from tests.contract.ports.chat import ANSWER_S, START, Chat
from tests.fakes.messages import MemoryMessages

NAMESPACE = UUID(int=0)

# (milliseconds since the record before, which id, from bob?, online?)
# or (which ids, by alice?)
NEW = st.tuples(st.sampled_from([0, 0, 1, 7]), st.integers(0, 5), st.booleans(), st.booleans())
CONFIRMED = st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans())
CALLS = st.lists(st.lists(NEW, min_size=1, max_size=6) | CONFIRMED, max_size=8)

Call = Sequence[Message] | Sequence[Receipt]


def planned(
    chat: Chat, drawn: Sequence[list[tuple[int, int, bool, bool]] | tuple[list[int], bool]]
) -> list[Call]:
    """Make calls of what was drawn, with the places that the log would
    give.
    """
    calls: list[Call] = []
    timestamp, offset = START, 0
    for each in drawn:
        if isinstance(each, list):
            messages = []
            for later, number, from_bob, online in each:
                timestamp, offset = timestamp + later, offset + 1
                made = chat.message(
                    f"{offset}",
                    sender=chat.bob if from_bob else chat.alice,
                    message_id=uuid5(NAMESPACE, f"{number}"),
                    status=Status.SENT if online else Status.PENDING,
                )
                messages.append(made._replace(position=MessagePosition(timestamp, offset)))
            calls.append(messages)
        else:
            numbers, by_alice = each
            timestamp, offset = timestamp + 1, offset + 1
            who = chat.alice if by_alice else chat.bob
            calls.append(
                [Receipt(uuid5(NAMESPACE, f"{number}"), who, timestamp) for number in numbers]
            )
    return calls


def confirming_what_was_stored() -> Callable[[Call], Call]:
    """Leave out receipts that come before their message: the API lets
    none into the log.
    """
    stored: set[UUID] = set()

    def keep(call: Call) -> Call:
        stored.update(each.message_id for each in call if isinstance(each, Message))
        return cast("Call", [each for each in call if each.message_id in stored])

    return keep


def carry_out(message_writer: MessageWriter, chat: Chat, call: Call) -> object:
    messages = [each for each in call if isinstance(each, Message)]
    if messages:
        return message_writer.record(chat.conversation_id, messages).result(ANSWER_S)
    receipts = [each for each in call if isinstance(each, Receipt)]
    return message_writer.mark_delivered(chat.conversation_id, receipts).result(ANSWER_S)


def seen(reader: MessageReader, chat: Chat) -> object:
    return (
        list(reader.older(chat.conversation_id, None, 100)),
        list(reader.newer(chat.conversation_id, BEGINNING, 100)),
        dict(
            reader.find(
                chat.conversation_id, [uuid5(NAMESPACE, f"{number}") for number in range(6)]
            )
        ),
        [list(reader.inbox(user, None, 100)) for user in (chat.alice, chat.bob)],
        [dict(reader.summaries(user, [chat.conversation_id])) for user in (chat.alice, chat.bob)],
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CALLS, st.lists(st.booleans(), min_size=8, max_size=8))
def test_any_course_of_records_receipts_and_replays_leaves_what_the_promises_say(
    message_writer: MessageWriter,
    reader: MessageReader,
    drawn: list[list[tuple[int, int, bool, bool]] | tuple[list[int], bool]],
    repeats: list[bool],
) -> None:
    chat, model = Chat(), MemoryMessages()
    for call, repeat in zip(planned(chat, drawn), repeats, strict=False):
        for _ in range(2 if repeat else 1):
            assert carry_out(message_writer, chat, call) == carry_out(model, chat, call)
    assert seen(reader, chat) == seen(model, chat)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CALLS, st.data())
def test_a_worker_that_starts_over_from_any_earlier_commit_changes_nothing(
    message_writer: MessageWriter,
    reader: MessageReader,
    drawn: list[list[tuple[int, int, bool, bool]] | tuple[list[int], bool]],
    data: st.DataObject,
) -> None:
    chat = Chat()
    calls = [call for call in map(confirming_what_was_stored(), planned(chat, drawn)) if call]
    for call in calls:
        carry_out(message_writer, chat, call)
    before = seen(reader, chat)
    start = data.draw(st.integers(0, len(calls)))
    for call in calls[start:]:
        carry_out(message_writer, chat, call)
    assert seen(reader, chat) == before


def test_the_draws_reach_duplicates_conflicts_and_unknown_messages() -> None:
    chat, model = Chat(), MemoryMessages()
    calls = planned(
        chat, [[(0, 1, False, False), (0, 1, False, True), (0, 1, True, False)], ([1, 2], False)]
    )
    assert [carry_out(model, chat, call) for call in calls] == [
        (StoreOutcome.STORED, StoreOutcome.DUPLICATE, StoreOutcome.CONFLICT),
        (ReceiptOutcome.DELIVERED, ReceiptOutcome.UNKNOWN),
    ]
