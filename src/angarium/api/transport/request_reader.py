"""Splits the received bytes of a connection into heads and bodies."""

from angarium.api.transport import http_parser
from angarium.api.transport.body_reader import Body, ChunkedBody, SizedBody
from angarium.api.transport.head_cache import HeadCache, KnownHead
from angarium.api.transport.request_framing import CHUNKED


class RequestReader:
    """Returns heads and bodies as soon as they are complete.

    It has no socket; bytes are fed to it.
    """

    __slots__ = ("_at", "_body", "_buffer", "_heads", "_passed_over", "_seen")

    def __init__(self, heads: HeadCache) -> None:
        """Start with no bytes.

        Args:
            heads: Parses heads; shared by all connections.
        """
        self._heads = heads
        self._buffer = b""
        self._at = 0
        self._seen = 0
        self._passed_over = False
        self._body: Body | None = None

    @property
    def pending(self) -> int:
        """The number of bytes that were fed and not yet read."""
        return len(self._buffer) - self._at

    @property
    def unread(self) -> bytes:
        """The bytes that `pending` counts, such as a malformed head."""
        return self._buffer[self._at :]

    @property
    def has_more(self) -> bool:
        """Whether `body` would go on without more bytes."""
        return self._body is not None and self._body.has_more

    def feed(self, data: bytes) -> None:
        """Take received bytes.

        Args:
            data: The next ones, in pieces of any size.
        """
        self._buffer = self._buffer[self._at :] + data if self._at < len(self._buffer) else data
        self._at = 0

    def trim(self) -> int:
        """Free the bytes that were read.

        Returns:
            How many bytes are still in memory.
        """
        if self._at >= len(self._buffer):
            self._buffer = b""
            self._at = 0
        body = self._body
        return len(self._buffer) if body is None else len(self._buffer) + body.held

    def head(self) -> KnownHead | None:
        """Read the next request's head.

        Returns:
            None while it is incomplete.

        Raises:
            HttpError: It is malformed, whatever follows.
        """
        buffer = self._buffer
        if buffer.startswith(b"\r\n", self._at) and not self._passed_over:
            # One empty line before a request is ignored, because some
            # clients send it after a body (RFC 9112, 2.2).
            self._at += 2
            self._passed_over = True
        start = self._at
        end = http_parser.head_end(buffer, start, self._seen)
        if end < 0:
            self._seen = len(buffer) - start
            return None
        self._seen = 0
        self._passed_over = False
        known = self._heads.read(buffer[start:end])
        self._at = end + 4
        return known

    def expect_body(self, length: int) -> bytes | None:
        """Start to read a body, and return it if it is complete.

        Args:
            length: In bytes, or `CHUNKED`.

        Returns:
            None while it is incomplete; then `body` returns it.

        Raises:
            HttpError: The body breaks HTTP's rules or is too large.
        """
        at = self._at
        end = at + length
        if length >= 0 and end <= len(self._buffer):
            self._at = end
            return self._buffer[at:end]
        self._body = ChunkedBody() if length == CHUNKED else SizedBody(length)
        return self.body()

    def body(self) -> bytes | None:
        """Read on in the body that `expect_body` started.

        Returns:
            None while it is incomplete.

        Raises:
            HttpError: The body breaks HTTP's rules or is too large.
        """
        if self._body is None:
            return b""
        self._at = self._body.take(self._buffer, self._at)
        if not self._body.done:
            return None
        content = self._body.content()
        self._body = None
        return content
