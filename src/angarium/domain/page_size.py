"""How much one page has room for, in bytes of JSON."""

from collections.abc import Iterable, Sequence
from json.encoder import encode_basestring as quoted

from angarium.domain.message import Message

MAX_PAGE_BYTES = 1024 * 1024 + 64 * 1024
"""A page ends before the item that would exceed it. A hundred texts of
10,240 plain letters still fit; of control characters, which JSON writes
as six bytes each, eighteen do (docs/adr/0007).
"""

FIELDS_BYTES = 400
"""What a message takes in JSON besides its text, at most."""

MAX_CHARACTER_BYTES = 6
"""What JSON takes for one character: a backslash, `u0001`."""


def message_bytes(message: Message) -> int:
    """Return how many bytes a message takes in JSON.

    Args:
        message: Any.

    Returns:
        At least what it takes.
    """
    return FIELDS_BYTES + len(quoted(message.content).encode())


def read_one_page(messages: Iterable[Message]) -> list[Message]:
    """Take messages until they are more than one page.

    Args:
        messages: Read on only as far as they are taken.

    Returns:
        All that fit on a page, and one more where there is one: it
        shows the caller that others follow.
    """
    taken: list[Message] = []
    left = MAX_PAGE_BYTES
    for message in messages:
        taken.append(message)
        left -= message_bytes(message)
        if left < 0:
            break
    return taken


def count_fitting(sizes: Iterable[int]) -> int:
    """Return how many items fit on one page.

    Args:
        sizes: Their bytes in JSON, in the order in which they are
            shown.

    Returns:
        At least one where there is one, so that no reader gets stuck.
    """
    count = 0
    left = MAX_PAGE_BYTES
    for size in sizes:
        left -= size
        if left < 0 and count:
            break
        count += 1
    return count


def first_page(read: Sequence[Message], limit: int) -> Sequence[Message]:
    """Return the messages of a page.

    Args:
        read: What `read_one_page` took of a store's answer, in the
            order in which it is shown.
        limit: The maximum number of messages; the answer may have had
            one more.

    Returns:
        As many of the first as fit.
    """
    if len(read) > limit:
        # All but the last one fit, or `read_one_page` would have ended.
        return read[:limit]
    return read[: count_fitting(map(message_bytes, read))]
