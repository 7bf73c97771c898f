"""How a position travels in an offset commit: the watermark in its metadata."""

import re

from kafka.structs import OffsetAndMetadata

from angarium.ports.message_log import BEGINNING, Position

_WATERMARK = re.compile(r"T=(-1|\d{1,15})")


def to_commit(position: Position) -> OffsetAndMetadata:
    """Put a position into an offset commit.

    Args:
        position: How far a partition has been worked through.

    Returns:
        The offset, with `T=` and the watermark as its metadata.
    """
    return OffsetAndMetadata(position.offset, f"T={position.watermark}", -1)


def from_commit(committed: OffsetAndMetadata | None) -> Position | None:
    """Read a position back.

    Args:
        committed: What the group has committed, None when it has nothing.

    Returns:
        The position; the beginning when there is none; None when an offset is there without its watermark,
        as after an administrator's reset of offsets.
    """
    if committed is None:
        return BEGINNING
    found = _WATERMARK.fullmatch(committed.metadata or "")
    if found is not None:
        return Position(committed.offset, int(found[1]))
    return BEGINNING if committed.offset == 0 else None
