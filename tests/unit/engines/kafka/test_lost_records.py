"""What a log has lost, by what kafka-python's own fetcher raises."""

import pytest
from kafka.structs import OffsetAndMetadata

from angarium.engines.kafka.lost_records import LOST, lost_positions
from tests.unit.engines.kafka.patches.fetching import OFFSET_OUT_OF_RANGE, TOPIC, Fetching, batch


def lost(fetching: Fetching, error: BaseException) -> dict[int, int]:
    assert isinstance(error, LOST)
    found = lost_positions(error, lambda position: fetching.position(position.partition))
    assert {position.topic for position in found} == {TOPIC}
    return {position.partition: offset for position, offset in found.items()}


def test_an_offset_that_the_log_has_no_more_is_told_after_what_came_with_it() -> None:
    fetching = Fetching(2)
    fetching.take((1, batch(0, b"a")))
    fetching.answer(0, batch(0, b"b"))
    fetching.answer(1, b"", error=OFFSET_OUT_OF_RANGE)
    assert list(fetching.take()) == [0], "a poll with records does not raise"
    with pytest.raises(LOST) as raised:
        fetching.take()
    assert lost(fetching, raised.value) == {1: 1}


@pytest.mark.parametrize("end", [3, None])
def test_a_log_that_was_cut_off_behind_what_was_read_is_told(end: int | None) -> None:
    fetching = Fetching()
    fetching.take((0, batch(0, b"a", b"b")))
    fetching.truncate(0, None if end is None else OffsetAndMetadata(end, "", 1))
    with pytest.raises(LOST) as raised:
        fetching.fetcher.validate_offsets_if_needed()
    assert lost(fetching, raised.value) == {0: 2}
