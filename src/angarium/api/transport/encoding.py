"""The bytes of a response."""

import re
from email.utils import formatdate
from http import HTTPStatus

from angarium.api.exchange import Response
from angarium.clock import Clock

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_UNSAFE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


class ResponseEncoder:
    """Makes bytes of responses; the date is written once a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._common = ""

    def encode(self, response: Response, trace_id: str, connection: str | None, with_body: bool) -> bytes:
        """Make the bytes of a response.

        Args:
            response: What is answered.
            trace_id: The request's.
            connection: The value of `Connection`, None to leave it out.
            with_body: False for an answer to HEAD, which tells the body's length and leaves it out.

        Returns:
            The status line, the header fields and the body.
        """
        second = self._clock.now_ms() // 1000
        if second != self._second:
            self._second = second
            self._common = f"Server: angarium\r\nDate: {formatdate(second, usegmt=True)}\r\nX-Trace-Id: "
        status = response.status
        body = response.body
        head = f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n{self._common}{trace_id}\r\n"
        if body:
            head += f"Content-Type: {response.content_type}\r\nContent-Length: {len(body)}\r\n"
        elif status not in (204, 304):
            head += "Content-Length: 0\r\n"
        if response.headers:
            head += "".join([f"{name}: {_safe(value)}\r\n" for name, value in response.headers])
        if connection is not None:
            head += f"Connection: {connection}\r\n"
        encoded = f"{head}\r\n".encode("latin-1")
        return encoded + body if with_body else encoded


def _safe(value: str) -> str:
    # Nothing that a header value repeats may begin another field.
    return value if value.isascii() and value.isprintable() else _UNSAFE.sub(" ", value)
