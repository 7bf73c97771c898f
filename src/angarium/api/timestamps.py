"""Timestamps that a client sends: RFC 3339 or milliseconds."""

import re
from datetime import date

from angarium.services.cursors import MAX_TIMESTAMP

MIN_MILLISECONDS = 100_000_000_000
"""March 1973 in milliseconds. A smaller number is probably a date of
today in seconds, sent by mistake.
"""

_MILLISECONDS = re.compile(r"[0-9]{1,15}")
_RFC3339 = re.compile(
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})[Tt]"
    r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9]):(?P<second>[0-5][0-9]|60)(?:\.(?P<fraction>[0-9]+))?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<off_hour>[01][0-9]|2[0-3]):(?P<off_minute>[0-5][0-9]))"
)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def parse_timestamp(text: str) -> int | None:
    """Read a timestamp.

    Args:
        text: RFC 3339 with any offset and any number of digits of a
            second, or an integer of milliseconds since the epoch: 0, or
            `MIN_MILLISECONDS` up to the year 9999.

    Returns:
        Milliseconds since the epoch, rounded down, from 0 to the end of
        the year 9999; None when the text is neither.
    """
    if _MILLISECONDS.fullmatch(text):
        ms = int(text)
        return ms if ms == 0 or MIN_MILLISECONDS <= ms <= MAX_TIMESTAMP else None
    match = _RFC3339.fullmatch(text)
    return None if match is None else _moment(match)


def is_in_seconds(text: str) -> bool:
    """Return whether an invalid timestamp looks like seconds.

    Args:
        text: One for which `parse_timestamp` returned None.

    Returns:
        True for a whole number that is too small for milliseconds.
    """
    return _MILLISECONDS.fullmatch(text) is not None and int(text) < MIN_MILLISECONDS


def _moment(match: re.Match[str]) -> int | None:
    """Return the milliseconds of an RFC 3339 match, if it exists.

    The 30th of February does not, nor a leap second at noon.
    """
    year = int(match["year"])
    try:
        # `date` starts with the year 1. The year 0 has the calendar of
        # 400, and both are clamped to the epoch.
        day = date(year or 400, int(match["month"]), int(match["day"])).toordinal()
    except ValueError:
        return None
    days = day - _EPOCH_DAY
    minutes = (days * 24 + int(match["hour"])) * 60 + int(match["minute"]) - _offset_minutes(match)
    second = int(match["second"])
    if second == 60 and (minutes + 1) % (24 * 60):
        return None  # leap seconds end a day of UTC, and nothing else (RFC 3339, section 5.7)
    ms = (minutes * 60 + second) * 1000 + int(((match["fraction"] or "") + "000")[:3])
    return max(0, min(ms, MAX_TIMESTAMP))


def _offset_minutes(match: re.Match[str]) -> int:
    """Return the offset from UTC, in minutes."""
    if match["sign"] is None:
        return 0
    minutes = int(match["off_hour"]) * 60 + int(match["off_minute"])
    return minutes if match["sign"] == "+" else -minutes
