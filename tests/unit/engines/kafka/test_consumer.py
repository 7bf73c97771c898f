import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.structs import OffsetAndMetadata

from angarium.engines.kafka.consumer import from_commit, to_commit
from angarium.ports.message_log import BEGINNING, Position


@given(st.integers(0, 2**62), st.integers(-1, 10**14))
def test_a_position_comes_back_from_its_commit(offset: int, watermark: int) -> None:
    position = Position(offset, watermark)
    assert from_commit(to_commit(position)) == position


def test_a_group_without_a_commit_begins_at_the_beginning() -> None:
    assert from_commit(None) == BEGINNING


@pytest.mark.parametrize("metadata", ["", "T=", "T=x", "T=1 ", "T=-2", "t=1", None])
def test_an_offset_without_a_watermark_is_no_position(metadata: str | None) -> None:
    assert from_commit(OffsetAndMetadata(5, metadata, -1)) is None
    assert from_commit(OffsetAndMetadata(0, metadata, -1)) == BEGINNING
