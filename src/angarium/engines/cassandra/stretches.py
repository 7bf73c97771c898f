"""Stretches of a conversation in which nothing waits for a user, so that nobody reads them to find that out.

Each is true for ever: no message comes between others, and what is DELIVERED stays so. Whoever loses one, or
has an older one, reads more and never misses a message.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from angarium.domain.message import Place

MOST = 64
"""So many are kept for a user in a conversation, 2 KB: the widest ones."""


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """Behind one place and up to another everything to the user is DELIVERED.

    Attributes:
        begin: Outside, as the place of the message before it is.
        end: Inside, as the place of its last message is.
    """

    begin: Place
    end: Place


Stretches = tuple[Stretch, ...]
"""In order; no two of them touch."""


def beyond(stretches: Stretches, place: Place) -> Place:
    """Skip what need not be read.

    Args:
        stretches: In which nothing waits.
        place: Everything behind it would be read.

    Returns:
        From where to read on, so that nothing is missed that waits.
    """
    number = bisect_right(stretches, place, key=lambda each: each.begin)
    return max(place, stretches[number - 1].end) if number else place


def joined(stretches: Stretches, found: Stretch) -> Stretches:
    """Add a stretch; those that it touches become one with it.

    Args:
        stretches: Those known.
        found: Another one.

    Returns:
        All of them; where they are too many, the narrowest by offset of those known is left out.
    """
    apart: list[Stretch] = []
    for each in stretches:
        if each.begin <= found.end and found.begin <= each.end:
            found = Stretch(min(each.begin, found.begin), max(each.end, found.end))
        else:
            apart.append(each)
    if len(apart) >= MOST:
        apart.remove(min(apart, key=lambda each: each.end.offset - each.begin.offset))
    return tuple(sorted([*apart, found]))


def behind(stretches: Stretches, place: Place) -> Stretches:
    """Leave out what a delivered place has passed.

    Args:
        stretches: Those known.
        place: Up to here everything to the user is DELIVERED.

    Returns:
        Those that reach farther.
    """
    return tuple(each for each in stretches if each.end > place)


def last_before(stretches: Sequence[Stretch], place: Place) -> Place | None:
    """Find the stretch that something at a place may continue.

    Args:
        stretches: Those known.
        place: In none of them.

    Returns:
        Where the nearest one before it ends; None when there is none.
    """
    return max((each.end for each in stretches if each.end < place), default=None)
