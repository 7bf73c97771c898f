"""The id that ties a request, its event and all their log lines together."""

import re

from angarium.api.transport.wire import Fields
from angarium.entropy import random_bytes

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_TRACE_ID = re.compile(r"[0-9A-Fa-f]{32}")
_LINE = re.compile(rb"\r\n(traceparent|x-trace-id):([^\r\n]*)(?=\r\n)", re.IGNORECASE)


def trace_id_of(fields: Fields) -> str:
    """Take the caller's trace id, or mint one.

    Args:
        fields: The request's header fields.

    Returns:
        32 hex digits in lower case: of `traceparent` where it is well-formed, else of `X-Trace-Id`
        where that is, else new ones.
    """
    parents = fields.get("traceparent")
    if parents is not None and len(parents) == 1:
        found = _TRACEPARENT.fullmatch(parents[0])
        # W3C Trace Context: version 00 has exactly four parts, later ones may have more; ff is forbidden.
        if found and found[1] != "ff" and not (found[1] == "00" and found[3]):
            return found[2]
    ids = fields.get("x-trace-id")
    if ids is not None and len(ids) == 1 and _TRACE_ID.fullmatch(ids[0]):
        return ids[0].lower()
    return mint()


def trace_id_within(received: bytes) -> str:
    """Take the caller's trace id from a head that cannot be read, or mint one.

    Args:
        received: The head's bytes, as far as they came, and perhaps what follows them.

    Returns:
        32 hex digits in lower case, chosen like those of a head that can be read.
    """
    end = received.find(b"\r\n\r\n")
    fields: dict[str, list[str]] = {}
    for name, value in _LINE.findall(received, 0, len(received) if end < 0 else end + 2):
        fields.setdefault(name.decode().lower(), []).append(value.decode("latin-1").strip(" \t"))
    return trace_id_of(fields)


def mint() -> str:
    """Make a new trace id.

    Returns:
        32 hex digits in lower case.
    """
    return random_bytes().hex()
