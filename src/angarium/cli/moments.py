"""Moments as people write them on a command line."""

import argparse
import re
from datetime import datetime, time, timedelta

from angarium.config.values import quote

_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

EXAMPLES = "2026-11-28T19:30:00Z, 2026-11-28 19:30, 2026-11-28, 19:30, 90s, 15m, 2h, 3d or 1w"


def moment(text: str) -> datetime:
    """Read a moment from the command line.

    Args:
        text: A date with a time, RFC 3339 or without an offset; a date;
            a time of today; or how long ago it was. What has no offset
            is in local time.

    Returns:
        The moment, with its offset from UTC.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    now = datetime.now().astimezone()
    try:
        if (span := _SPAN.fullmatch(text)) is not None:
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        if re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?", text):
            return datetime.combine(now.date(), time.fromisoformat(text)).astimezone()
        if re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        # No such day, or one before the calendar begins.
        pass
    raise argparse.ArgumentTypeError(f"{quote(text)} is not a time; write one such as {EXAMPLES}")
