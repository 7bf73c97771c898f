"""What is taken from a head that cannot be read, because its answer needs it all the same."""

import re

from angarium.api.transport.wire import Fields

_LINE = re.compile(rb"\r\n(traceparent|x-trace-id|origin):([^\r\n]*)(?=\r\n)", re.IGNORECASE)


def fields_within(received: bytes) -> Fields:
    """Take the trace id and the origin from a head that cannot be read.

    Args:
        received: The head's bytes, as far as they came, and perhaps what follows them.

    Returns:
        The values of `traceparent`, `x-trace-id` and `origin`, as of a head that can be read.
    """
    end = received.find(b"\r\n\r\n")
    fields: dict[str, list[str]] = {}
    for name, value in _LINE.findall(received, 0, len(received) if end < 0 else end + 2):
        fields.setdefault(name.decode().lower(), []).append(value.decode("latin-1").strip(" \t"))
    return fields
