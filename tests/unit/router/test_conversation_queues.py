from uuid import uuid4

from angarium.domain.events import Event
from angarium.ports.message_log import BEGINNING
from angarium.router.conversation_queues import Batch, ConversationQueues
from angarium.router.offsets import OffsetTracker
from tests.unit.router.events import ALICE, BOB, CAROL, entry, message, message_id_of, receipt


def offsets(group: Batch | None) -> list[int]:
    assert group is not None
    return [each.record.offset for each in group.entries]


def test_consecutive_messages_of_a_conversation_form_one_group_in_their_order() -> None:
    queues, tracker = ConversationQueues(), OffsetTracker(BEGINNING)
    for offset in range(3):
        queues.add(entry(message(), offset, tracker))
    assert offsets(queues.take()) == [0, 1, 2]
    assert queues.take() is None


def test_a_receipt_between_messages_keeps_its_turn() -> None:
    queues, tracker = ConversationQueues(), OffsetTracker(BEGINNING)
    events: list[Event] = [
        message(),
        receipt([message_id_of(1)]),
        receipt([message_id_of(2)]),
        message(),
    ]
    for offset, event in enumerate(events):
        queues.add(entry(event, offset, tracker))
    groups = []
    while (group := queues.take()) is not None:
        groups.append(offsets(group))
        queues.release(group)
    assert groups == [[0], [1, 2], [3]]


def test_a_conversation_has_one_group_out_at_a_time_and_others_go_on() -> None:
    queues, tracker = ConversationQueues(max_batch_records=1), OffsetTracker(BEGINNING)
    queues.add(entry(message(), 0, tracker))
    queues.add(entry(message(), 1, tracker))
    queues.add(entry(message(sender=ALICE, recipient=CAROL), 2, tracker))
    first, other = queues.take(), queues.take()
    assert first is not None
    assert (offsets(first), offsets(other)) == ([0], [2])
    assert queues.take() is None
    assert (queues.busy, queues.ready) == (2, 0)
    queues.release(first)
    assert offsets(queues.take()) == [1]


def test_a_busy_conversation_collects_what_comes() -> None:
    queues, tracker = ConversationQueues(), OffsetTracker(BEGINNING)
    queues.add(entry(message(), 0, tracker))
    first = queues.take()
    assert first is not None
    queues.add(entry(message(), 1, tracker))
    queues.add(entry(message(), 2, tracker))
    assert queues.take() is None
    queues.release(first)
    assert offsets(queues.take()) == [1, 2]


def test_the_conversation_that_waited_longest_comes_first() -> None:
    queues, tracker = ConversationQueues(max_batch_records=1), OffsetTracker(BEGINNING)
    queues.add(entry(message(), 0, tracker))
    queues.add(entry(message(), 1, tracker))
    queues.add(entry(message(sender=BOB, recipient=CAROL), 2, tracker))
    first = queues.take()
    assert first is not None
    queues.release(first)
    assert offsets(queues.take()) == [2]


def test_a_group_is_bounded() -> None:
    queues, tracker = ConversationQueues(max_batch_records=2), OffsetTracker(BEGINNING)
    for offset in range(3):
        queues.add(entry(message(), offset, tracker))
    assert offsets(queues.take()) == [0, 1]


def test_a_batch_of_receipts_is_bounded_by_the_messages_that_they_confirm() -> None:
    """Each hundred of them is read and written one after the other, and
    all within the time limit of one call.
    """
    queues, tracker = ConversationQueues(), OffsetTracker(BEGINNING)
    for offset in range(6):
        queues.add(entry(receipt([uuid4() for _ in range(100)]), offset, tracker))
    groups = []
    while (group := queues.take()) is not None:
        groups.append(offsets(group))
        queues.release(group)
    assert groups == [[0, 1, 2, 3], [4, 5]]


def test_entries_of_two_assignments_never_share_a_group() -> None:
    queues, old, new = ConversationQueues(), OffsetTracker(BEGINNING), OffsetTracker(BEGINNING)
    queues.add(entry(message(), 0, old))
    queues.add(entry(message(), 0, new))
    group = queues.take()
    assert group is not None
    assert group.tracker is old
    assert offsets(group) == [0]


def test_what_waits_under_a_lost_assignment_is_forgotten_and_what_is_out_stays_out() -> None:
    queues, lost, kept = ConversationQueues(), OffsetTracker(BEGINNING), OffsetTracker(BEGINNING)
    queues.add(entry(message(), 0, lost))
    out = queues.take()
    assert out is not None
    queues.add(entry(message(), 1, lost))
    queues.add(entry(message(sender=BOB, recipient=CAROL), 2, lost))
    queues.add(entry(message(sender=ALICE, recipient=CAROL), 0, kept))
    queues.drop(lost)
    assert offsets(queues.take()) == [0]
    assert queues.take() is None
    queues.add(entry(message(), 0, kept))
    assert queues.take() is None
    queues.release(out)
    again = queues.take()
    assert again is not None
    assert again.tracker is kept


def test_an_empty_lane_leaves_nothing_behind() -> None:
    queues, tracker = ConversationQueues(), OffsetTracker(BEGINNING)
    queues.add(entry(message(), 0, tracker))
    group = queues.take()
    assert group is not None
    queues.release(group)
    assert (queues.busy, queues.ready, len(queues._queues)) == (0, 0, 0)
