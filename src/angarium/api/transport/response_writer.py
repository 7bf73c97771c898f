"""Makes the bytes of responses, and sends them without blocking."""

import re
import socket
from email.utils import formatdate
from http import HTTPStatus

from angarium.api.interface import Response
from angarium.clock import Clock

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""Tells a client to send its body (RFC 9110, 10.1.1)."""

_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_UNSAFE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


class ResponseEncoder:
    """Makes bytes of responses; the date is formatted once a second."""

    def __init__(self, clock: Clock) -> None:
        """Start; the clock gives the `Date` field."""
        self._clock = clock
        self._second = -1
        self._common = ""

    def encode(
        self, response: Response, trace_id: str, connection: str | None, with_body: bool
    ) -> bytes:
        """Make the bytes of a response.

        Args:
            response: Of the application.
            trace_id: The request's.
            connection: The value of `Connection`, None for no field.
            with_body: False for HEAD: the body's length is sent, and
                the body is not.

        Returns:
            The status line, the header fields and the body.
        """
        second = self._clock.now_ms() // 1000
        if second != self._second:
            self._second = second
            self._common = (
                f"Server: angarium\r\nDate: {formatdate(second, usegmt=True)}\r\nX-Trace-Id: "
            )
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
    """Return a header value without what could end its field."""
    return value if value.isascii() and value.isprintable() else _UNSAFE.sub(" ", value)


class SendBuffer:
    """Holds responses until the socket takes them.

    Attributes:
        blocked: True if the socket took less than there was.
        held: Bytes in memory, with the sent ones of a response that is
            not completely sent.
    """

    __slots__ = ("_parts", "_rest", "blocked", "held")

    def __init__(self) -> None:
        """Start empty."""
        self.blocked = False
        self.held = 0
        self._parts: list[bytes] = []
        self._rest: memoryview | None = None

    def add(self, data: bytes) -> None:
        """Add bytes for the next `flush`.

        Args:
            data: A complete response.
        """
        self._parts.append(data)
        self.held += len(data)

    def flush(self, connection: socket.socket) -> int:
        """Send as much as the socket takes, in one call.

        Args:
            connection: The socket, which must not block.

        Returns:
            How many bytes it took.

        Raises:
            OSError: The connection is broken.
        """
        parts = self._parts
        if self._rest is None and not parts:
            return 0
        if self._rest is None:
            data: bytes | memoryview = parts[0] if len(parts) == 1 else b"".join(parts)
        else:
            data = memoryview(b"".join([self._rest, *parts])) if parts else self._rest
        if parts:
            self._parts = []
            self.held = len(data)
        try:
            sent = connection.send(data)
        except BlockingIOError:
            sent = 0
        self.blocked = sent < len(data)
        if self.blocked:
            self._rest = memoryview(data)[sent:]
        else:
            self._rest = None
            self.held = 0
        return sent
