"""The bytes of a response."""

import re
import socket
from email.utils import formatdate
from http import HTTPStatus

from angarium.api.interface import Response
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

    def encode(
        self, response: Response, trace_id: str, connection: str | None, with_body: bool
    ) -> bytes:
        """Make the bytes of a response.

        Args:
            response: What is answered.
            trace_id: The request's.
            connection: The value of `Connection`, None to leave it out.
            with_body: False for an answer to HEAD, which tells the
                body's length and leaves it out.

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
    # Nothing that a header value repeats may begin another field.
    return value if value.isascii() and value.isprintable() else _UNSAFE.sub(" ", value)


class SendBuffer:
    """Sends without blocking, and keeps what the socket does not take
    yet.

    Attributes:
        blocked: True while the socket took less than there was.
        held: Bytes that are kept in memory, the sent ones of an answer
            that is not all sent included.
    """

    __slots__ = ("_parts", "_rest", "blocked", "held")

    def __init__(self) -> None:
        self.blocked = False
        self.held = 0
        self._parts: list[bytes] = []
        self._rest: memoryview | None = None

    def add(self, data: bytes) -> None:
        """Take bytes to send with the next flush.

        Args:
            data: A whole response.
        """
        self._parts.append(data)
        self.held += len(data)

    def flush(self, connection: socket.socket) -> int:
        """Send as much as the socket takes, in one call.

        Args:
            connection: Where to; it does not block.

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
