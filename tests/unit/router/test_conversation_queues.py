from angarium.domain.events import Event
from angarium.ports.message_log import BEGINNING
from angarium.router.conversation_queues import Batch, ConversationQueues
from angarium.router.offsets import OffsetTracker
from tests.unit.router.events import ALICE, BOB, CAROL, entry, message, message_id_of, receipt


def offsets(group: Batch | None) -> list[int]:
    assert group is not None
    return [each.record.offset for each in group.entries]


def test_consecutive_messages_of_a_conversation_form_one_group_in_their_order() -> None:
    lanes, progress = ConversationQueues(), OffsetTracker(BEGINNING)
    for offset in range(3):
        lanes.add(entry(message(), offset, progress))
    assert offsets(lanes.take()) == [0, 1, 2]
    assert lanes.take() is None


def test_a_receipt_between_messages_keeps_its_turn() -> None:
    lanes, progress = ConversationQueues(), OffsetTracker(BEGINNING)
    events: list[Event] = [
        message(),
        receipt([message_id_of(1)]),
        receipt([message_id_of(2)]),
        message(),
    ]
    for offset, event in enumerate(events):
        lanes.add(entry(event, offset, progress))
    groups = []
    while (group := lanes.take()) is not None:
        groups.append(offsets(group))
        lanes.release(group)
    assert groups == [[0], [1, 2], [3]]


def test_a_conversation_has_one_group_out_at_a_time_and_others_go_on() -> None:
    lanes, progress = ConversationQueues(group_size=1), OffsetTracker(BEGINNING)
    lanes.add(entry(message(), 0, progress))
    lanes.add(entry(message(), 1, progress))
    lanes.add(entry(message(sender=ALICE, recipient=CAROL), 2, progress))
    first, other = lanes.take(), lanes.take()
    assert first is not None
    assert (offsets(first), offsets(other)) == ([0], [2])
    assert lanes.take() is None
    assert (lanes.busy, lanes.ready) == (2, 0)
    lanes.release(first)
    assert offsets(lanes.take()) == [1]


def test_a_busy_conversation_collects_what_comes() -> None:
    lanes, progress = ConversationQueues(), OffsetTracker(BEGINNING)
    lanes.add(entry(message(), 0, progress))
    first = lanes.take()
    assert first is not None
    lanes.add(entry(message(), 1, progress))
    lanes.add(entry(message(), 2, progress))
    assert lanes.take() is None
    lanes.release(first)
    assert offsets(lanes.take()) == [1, 2]


def test_the_conversation_that_waited_longest_comes_first() -> None:
    lanes, progress = ConversationQueues(group_size=1), OffsetTracker(BEGINNING)
    lanes.add(entry(message(), 0, progress))
    lanes.add(entry(message(), 1, progress))
    lanes.add(entry(message(sender=BOB, recipient=CAROL), 2, progress))
    first = lanes.take()
    assert first is not None
    lanes.release(first)
    assert offsets(lanes.take()) == [2]


def test_a_group_is_bounded() -> None:
    lanes, progress = ConversationQueues(group_size=2), OffsetTracker(BEGINNING)
    for offset in range(3):
        lanes.add(entry(message(), offset, progress))
    assert offsets(lanes.take()) == [0, 1]


def test_entries_of_two_assignments_never_share_a_group() -> None:
    lanes, old, new = ConversationQueues(), OffsetTracker(BEGINNING), OffsetTracker(BEGINNING)
    lanes.add(entry(message(), 0, old))
    lanes.add(entry(message(), 0, new))
    group = lanes.take()
    assert group is not None
    assert group.progress is old
    assert offsets(group) == [0]


def test_what_waits_under_a_lost_assignment_is_forgotten_and_what_is_out_stays_out() -> None:
    lanes, lost, kept = ConversationQueues(), OffsetTracker(BEGINNING), OffsetTracker(BEGINNING)
    lanes.add(entry(message(), 0, lost))
    out = lanes.take()
    assert out is not None
    lanes.add(entry(message(), 1, lost))
    lanes.add(entry(message(sender=BOB, recipient=CAROL), 2, lost))
    lanes.add(entry(message(sender=ALICE, recipient=CAROL), 0, kept))
    lanes.drop(lost)
    assert offsets(lanes.take()) == [0]
    assert lanes.take() is None
    lanes.add(entry(message(), 0, kept))
    assert lanes.take() is None
    lanes.release(out)
    again = lanes.take()
    assert again is not None
    assert again.progress is kept


def test_an_empty_lane_leaves_nothing_behind() -> None:
    lanes, progress = ConversationQueues(), OffsetTracker(BEGINNING)
    lanes.add(entry(message(), 0, progress))
    group = lanes.take()
    assert group is not None
    lanes.release(group)
    assert (lanes.busy, lanes.ready, len(lanes._lanes)) == (0, 0, 0)
