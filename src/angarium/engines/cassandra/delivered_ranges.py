"""Stretches of a conversation in which nothing waits for a user, so
that nobody reads them to find that out.

Each is true for ever: no message comes between others, and what is
DELIVERED stays so. Whoever loses one, or has an older one, reads more
and never misses a message.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from angarium.domain.message import MessagePosition

MAX_RANGES = 64
"""So many are kept for a user in a conversation, 2 KB: the widest
ones.
"""


@dataclass(frozen=True, slots=True, order=True)
class DeliveredRange:
    """Behind one place and up to another everything to the user is
    DELIVERED.

    Attributes:
        begin: Outside, as the place of the message before it is.
        end: Inside, as the place of its last message is.
    """

    begin: MessagePosition
    end: MessagePosition


DeliveredRanges = tuple[DeliveredRange, ...]
"""In order; no two of them touch."""


def skip(stretches: DeliveredRanges, position: MessagePosition) -> MessagePosition:
    """Skip what need not be read.

    Args:
        stretches: In which nothing waits.
        position: Everything behind it would be read.

    Returns:
        From where to read on, so that nothing is missed that waits.
    """
    number = bisect_right(stretches, position, key=lambda each: each.begin)
    return max(position, stretches[number - 1].end) if number else position


def merge(stretches: DeliveredRanges, found: DeliveredRange) -> DeliveredRanges:
    """Add a stretch; those that it touches become one with it.

    Args:
        stretches: Those known.
        found: Another one.

    Returns:
        All of them; where they are too many, the narrowest by offset of
        those known is left out.
    """
    apart: list[DeliveredRange] = []
    for each in stretches:
        if each.begin <= found.end and found.begin <= each.end:
            found = DeliveredRange(min(each.begin, found.begin), max(each.end, found.end))
        else:
            apart.append(each)
    if len(apart) >= MAX_RANGES:
        apart.remove(min(apart, key=lambda each: each.end.offset - each.begin.offset))
    return tuple(sorted([*apart, found]))


def drop_before(stretches: DeliveredRanges, position: MessagePosition) -> DeliveredRanges:
    """Leave out what a delivered place has passed.

    Args:
        stretches: Those known.
        position: Up to here everything to the user is DELIVERED.

    Returns:
        Those that reach farther.
    """
    return tuple(each for each in stretches if each.end > position)


def last_before(
    stretches: Sequence[DeliveredRange], position: MessagePosition
) -> MessagePosition | None:
    """Find the stretch that something at a place may continue.

    Args:
        stretches: Those known.
        position: In none of them.

    Returns:
        Where the nearest one before it ends; None when there is none.
    """
    return max((each.end for each in stretches if each.end < position), default=None)
