"""The id that a request, its event and all their log lines share."""

import re

from angarium.api.transport.http_parser import Fields
from angarium.random_pool import random_bytes

_TRACEPARENT = re.compile(
    r"([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)
_TRACE_ID = re.compile(r"[0-9A-Fa-f]{32}")


def trace_id_of(fields: Fields) -> str:
    """Return the caller's trace id, or make one.

    Args:
        fields: The request's header fields.

    Returns:
        32 hex digits in lower case: of `traceparent` if it is
        well-formed, else of `X-Trace-Id` if that is, else new ones.
    """
    parents = fields.get("traceparent")
    if parents is not None and len(parents) == 1:
        found = _TRACEPARENT.fullmatch(parents[0])
        # W3C Trace Context: version 00 has exactly four parts, later
        # ones may have more; ff is forbidden.
        if found and found[1] != "ff" and not (found[1] == "00" and found[3]):
            return found[2]
    ids = fields.get("x-trace-id")
    if ids is not None and len(ids) == 1 and _TRACE_ID.fullmatch(ids[0]):
        return ids[0].lower()
    return mint()


def mint() -> str:
    """Make a new trace id.

    Returns:
        32 hex digits in lower case.
    """
    return random_bytes().hex()
