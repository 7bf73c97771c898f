"""How ids are made and read (docs/adr/0008)."""

import re
from functools import lru_cache
from uuid import NAMESPACE_URL, UUID, uuid5

MAX_TEXTS = 65_536
"""How many ids are kept with their texts: those of active users and
conversations.
"""

MAX_NEW_TEXTS = 1_024
"""About as many as there are concurrent requests: what is kept longer,
the garbage collector visits in vain.
"""

text_of = lru_cache(MAX_TEXTS)(UUID.__str__)
"""Return an id's text; the same few ids are written several times for
every message.
"""

new_text_of = lru_cache(MAX_NEW_TEXTS)(UUID.__str__)
"""Return the text of an id that is not needed after its request: a new
message's.
"""

MAX_RECURRING = 16_384
"""How many ids that were read are kept: those of active users and
conversations.
"""

UUID_LENGTH = 36
"""Of the hyphenated form (RFC 9562, section 4)."""

_CANONICAL = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def parse_uuid(text: str) -> UUID | None:
    """Read a UUID in its hyphenated form, in any case.

    Args:
        text: What a client sent.

    Returns:
        The id, or None when the text is anything but 8-4-4-4-12 hex
        digits (RFC 9562, section 4).
    """
    if _CANONICAL.fullmatch(text) is None:
        return None
    return UUID(text)


def recurring_uuid(text: str) -> UUID | None:
    """Read the id of a user or a conversation, which recurs.

    Args:
        text: What a client or a record has.

    Returns:
        As `parse_uuid`; mostly the same object as before, since reading
        an id costs more than a look-up.
    """
    # A text of another length would only fill the cache.
    return _read_cached(text) if len(text) == UUID_LENGTH else None


_read_cached = lru_cache(MAX_RECURRING)(parse_uuid)


def user_id_for(username: str) -> UUID:
    """Make the id of a user, the same on every machine.

    Args:
        username: The name, exactly as it is compared.

    Returns:
        The version 5 UUID made from the name.
    """
    return uuid5(NAMESPACE_URL, f"angarium:user:{username}")


def conversation_id_for(one: UUID, other: UUID) -> UUID:
    """Make the id of the private conversation of two users.

    Args:
        one: A participant.
        other: The other participant; the order makes no difference.

    Returns:
        The version 5 UUID made from the sorted pair.
    """
    first, second = sorted((str(one), str(other)))
    return uuid5(NAMESPACE_URL, f"angarium:conversation:{first}:{second}")


def time_ordered_uuid(unix_ms: int, entropy: bytes) -> UUID:
    """Make a version 7 UUID (RFC 9562, section 5.7).

    Args:
        unix_ms: Milliseconds since the epoch, 48 bits.
        entropy: Ten random bytes or more; 74 bits of the first ten are
            used.

    Returns:
        An id that sorts by time of making.
    """
    random = int.from_bytes(entropy[:10], "big")
    high = (random >> 64) & 0xFFF
    low = random & 0x3FFF_FFFF_FFFF_FFFF
    return UUID(int=(unix_ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
