from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from angarium.ports.message_log import Position
from angarium.router.offsets import OffsetTracker


def test_nothing_is_to_be_committed_at_first() -> None:
    assert OffsetTracker(Position(7, 100)).uncommitted() is None


def test_a_record_that_is_not_finished_holds_back_all_behind_it() -> None:
    tracker = OffsetTracker(Position(0))
    for offset in range(3):
        tracker.record_taken(offset, 10)
    tracker.finish(1)
    tracker.finish(2)
    assert tracker.uncommitted() is None
    assert len(tracker) == 3
    tracker.finish(0)
    assert tracker.uncommitted() == Position(3, 10)
    assert len(tracker) == 0


def test_time_is_the_running_maximum_from_the_watermark_on() -> None:
    tracker = OffsetTracker(Position(5, 100))
    assert [
        tracker.record_taken(5 + at, time) for at, time in enumerate([90, 110, 105, 110, 120])
    ] == [
        100,
        110,
        110,
        110,
        120,
    ]


def test_a_position_carries_the_watermark_that_holds_there_not_a_later_one() -> None:
    tracker = OffsetTracker(Position(0))
    tracker.record_taken(0, 10)
    tracker.record_taken(1, 99)
    tracker.finish(0)
    assert tracker.uncommitted() == Position(1, 10)


def test_a_gap_between_offsets_is_stepped_over() -> None:
    tracker = OffsetTracker(Position(0))
    tracker.record_taken(3, 1)
    tracker.record_taken(9, 2)
    tracker.finish(9)
    tracker.finish(3)
    assert tracker.uncommitted() == Position(10, 2)


def test_a_record_that_comes_again_is_not_taken_again() -> None:
    tracker = OffsetTracker(Position(4))
    assert tracker.record_taken(3, 50) is None
    assert tracker.record_taken(4, 10) == 10
    assert tracker.record_taken(4, 60) is None
    tracker.finish(4)
    assert tracker.uncommitted() == Position(5, 10)


def test_what_was_committed_is_not_to_be_committed_again() -> None:
    tracker = OffsetTracker(Position(0))
    tracker.record_taken(0, 1)
    tracker.record_taken(1, 2)
    tracker.finish(0)
    position = tracker.uncommitted()
    assert position is not None
    tracker.finish(1)
    tracker.record_committed(position)
    assert tracker.uncommitted() == Position(2, 2)
    tracker.record_committed(Position(2, 2))
    assert tracker.uncommitted() is None


@given(st.data())
def test_in_whatever_order_records_finish_the_prefix_and_its_running_maximum_stand(
    data: st.DataObject,
) -> None:
    start = Position(data.draw(st.integers(0, 5)), data.draw(st.integers(-1, 20)))
    gaps = data.draw(st.lists(st.integers(1, 3), max_size=12))
    times = data.draw(st.lists(st.integers(0, 30), min_size=len(gaps), max_size=len(gaps)))
    offsets = list(accumulate(gaps, initial=start.offset - 1))[1:]
    watermarks = list(accumulate(times, max, initial=start.watermark))[1:]
    tracker = OffsetTracker(start)
    assert [
        tracker.record_taken(offset, time) for offset, time in zip(offsets, times, strict=True)
    ] == watermarks
    finished: set[int] = set()
    for offset in data.draw(st.permutations(offsets)):
        tracker.finish(offset)
        finished.add(offset)
        prefix = [each for each in range(len(offsets)) if finished.issuperset(offsets[: each + 1])]
        expected = Position(offsets[prefix[-1]] + 1, watermarks[prefix[-1]]) if prefix else None
        assert tracker.uncommitted() == expected
        assert len(tracker) == len(offsets) - len(prefix)
