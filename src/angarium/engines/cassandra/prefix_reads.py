"""Which rows may be read before they are on a quorum.

A quorum read may see a mutation that has reached only one replica, and
Cassandra then copies only the rows that were read. A reader who saw the
last row of such a mutation, but not the others, would page past them
before they exist. So:

1. The writer stores a conversation in mutations of at most 16 rows, and
   sends the next one when the one before is on a quorum. A replica
   applies a mutation completely or not at all, so only the newest 16
   rows of a conversation can be missing from a quorum.
2. A reader never begins in the middle of those 16. A read is safe if it
   starts directly after a row that was read before, or takes at least
   16 rows from the newest end, or ends at a row up to which everything
   is on a quorum (one that was read before, or that an inbox notes).

So the rule limits what a read may look at, not where a page may end.

With a picture of what goes wrong otherwise: docs/how/prefix-reads.md.
The decision: docs/adr/0016.
"""

from collections.abc import Sequence

from angarium.domain.message import Message, MessagePosition

ROWS_PER_MUTATION = 16
"""The most messages in one mutation. More would make every first page
read more rows than it shows. Fewer would make a backlog slower, because
the mutations of a conversation wait for each other.
"""


def newest_rows(limit: int) -> int:
    """Return how many rows a read from the newest end takes.

    Args:
        limit: How many of them are shown.

    Returns:
        The limit, or 16 where the limit is smaller.
    """
    return max(limit, ROWS_PER_MUTATION)


def reach_back_to(newest: Sequence[Message], position: MessagePosition) -> bool:
    """Say whether the newest 16 rows are all that follows a position.

    Args:
        newest: The answer to a read of the newest 16 rows, newest
            first.
        position: Any moment, even one between two rows of a mutation.

    Returns:
        True when no older row of the conversation is after it. False
        means that a second read is needed, which may end at the newest
        of these rows: the first one has made sure that everything up to
        there is on a quorum.
    """
    return len(newest) < ROWS_PER_MUTATION or newest[-1].position <= position
