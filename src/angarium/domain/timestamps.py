"""Timestamps as text, wherever they are written (RFC 3339)."""

from datetime import UTC, datetime
from functools import lru_cache

MAX_CACHED_MINUTES = 4_096
"""The minutes of forty pages of fifty messages, each in two minutes of
its own.
"""

# A look-up is faster than a format; a page has a hundred of each.
_SECONDS = [f"{second:02d}." for second in range(60)]
_MILLISECONDS = [f"{millisecond:03d}Z" for millisecond in range(1000)]


def rfc3339(ms: int) -> str:
    """Write a timestamp.

    Args:
        ms: Milliseconds since the epoch, up to the year 9999.

    Returns:
        RFC 3339, UTC, with three digits of a second.
    """
    minute, rest = divmod(ms, 60_000)
    return _text_of_minute(minute) + _SECONDS[rest // 1000] + _MILLISECONDS[rest % 1000]


@lru_cache(MAX_CACHED_MINUTES)
def _text_of_minute(minute: int) -> str:
    """Write a minute, up to the colon after it."""
    return datetime.fromtimestamp(minute * 60, UTC).isoformat()[:17]
