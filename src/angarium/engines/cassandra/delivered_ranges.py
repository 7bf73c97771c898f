"""Ranges of a conversation in which every message is DELIVERED.

Reads skip them. Each stays true for ever: no message is inserted
between others, and DELIVERED never goes back. When a range is lost, or
an older list of ranges wins, reads look at more messages, and none is
missed (docs/how/cassandra-inbox.md, docs/adr/0020).
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from angarium.domain.message import MessagePosition

MAX_RANGES = 64
"""The maximum per user and conversation, 2 KB. The widest ones are
kept: they save most reading.
"""


@dataclass(frozen=True, slots=True, order=True)
class DeliveredRange:
    """Every message to the user between two positions is DELIVERED.

    Attributes:
        begin: Excluded: the position of the message before the range.
        end: Included: the position of the last message in it.
    """

    begin: MessagePosition
    end: MessagePosition


DeliveredRanges = tuple[DeliveredRange, ...]
"""In order; no two of them touch."""


def skip(ranges: DeliveredRanges, position: MessagePosition) -> MessagePosition:
    """Skip a range that need not be read.

    Args:
        ranges: In which nothing waits.
        position: After it everything would be read.

    Returns:
        The position to read on from; nothing that waits is missed.
    """
    number = bisect_right(ranges, position, key=lambda each: each.begin)
    return max(position, ranges[number - 1].end) if number else position


def merge(ranges: DeliveredRanges, found: DeliveredRange) -> DeliveredRanges:
    """Add a range; those that it touches become one with it.

    Args:
        ranges: Those known.
        found: Another one.

    Returns:
        All of them. Where they are more than 64, the narrowest known
        one by offsets is left out.
    """
    apart: list[DeliveredRange] = []
    for each in ranges:
        if each.begin <= found.end and found.begin <= each.end:
            found = DeliveredRange(min(each.begin, found.begin), max(each.end, found.end))
        else:
            apart.append(each)
    if len(apart) >= MAX_RANGES:
        apart.remove(min(apart, key=lambda each: each.end.offset - each.begin.offset))
    return tuple(sorted([*apart, found]))


def drop_before(ranges: DeliveredRanges, position: MessagePosition) -> DeliveredRanges:
    """Drop the ranges that the delivered position has passed.

    Args:
        ranges: Those known.
        position: Up to here every message to the user is DELIVERED.

    Returns:
        Those that reach farther.
    """
    return tuple(each for each in ranges if each.end > position)


def last_before(
    ranges: Sequence[DeliveredRange], position: MessagePosition
) -> MessagePosition | None:
    """Find the range that a message at a position may continue.

    Args:
        ranges: Those known.
        position: In none of them.

    Returns:
        Where the nearest range before it ends; None when there is none.
    """
    return max((each.end for each in ranges if each.end < position), default=None)
