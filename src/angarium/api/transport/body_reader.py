"""Request bodies: taken off the received bytes piece by piece, within
limits.
"""

import re
from enum import Enum, auto
from typing import Protocol

from angarium.api.transport.http_parser import (
    MAX_FIELDS,
    MAX_HEADERS,
    HttpError,
    is_field_line,
    malformed,
)
from angarium.domain.errors import Code

MAX_BODY = 64 * 1024
"""Bytes of a body that is read."""
MAX_CHUNK_LINE = 1024
"""Bytes of a chunk's size with its extensions; all extensions of a body
together may have `MAX_HEADERS`.
"""

# RFC 9112, 7.1: extensions may follow the size; what they mean is
# nobody's business here.
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")


class Body(Protocol):
    """A body on its way in.

    Attributes:
        done: True when it is all there.
    """

    done: bool

    @property
    def held(self) -> int:
        """Count the bytes that were taken.

        Returns:
            Those of the content so far.
        """
        ...

    def take(self, buffer: bytes, at: int) -> int:
        """Take what there is of the body.

        Args:
            buffer: Received bytes.
            at: Where the untaken ones start.

        Returns:
            Where the bytes start that are not taken: the next
            request's, or of a line that is not whole yet.

        Raises:
            HttpError: `malformed_request`, or `body_too_large`.
        """
        ...

    def content(self) -> bytes:
        """Give the whole body.

        Returns:
            Its bytes, without the chunks' borders.
        """
        ...


class SizedBody:
    """A body whose length the head told."""

    def __init__(self, length: int) -> None:
        self._left = length
        # Not a list: of many tiny parts it would take many times their
        # bytes.
        self._content = bytearray()
        self.done = length == 0

    @property
    def held(self) -> int:
        """Count the bytes that were taken.

        Returns:
            Those of the content so far.
        """
        return len(self._content)

    def take(self, buffer: bytes, at: int) -> int:
        """Take what there is of the body.

        Args:
            buffer: Received bytes.
            at: Where the untaken ones start.

        Returns:
            Where the next request's bytes start.
        """
        part = buffer[at : at + self._left]
        self._content += part
        self._left -= len(part)
        self.done = self._left == 0
        return at + len(part)

    def content(self) -> bytes:
        """Give the whole body.

        Returns:
            Its bytes.
        """
        return bytes(self._content)


class _Next(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()


class ChunkedBody:
    """A body in chunks (RFC 9112, 7.1); extensions and trailers are
    discarded.
    """

    def __init__(self, limit: int = MAX_BODY) -> None:
        self._limit = limit
        self._next = _Next.SIZE
        self._left = 0
        self._size = 0
        self._content = bytearray()
        self._trailers = 0
        self._discarded = 0
        self.done = False

    @property
    def held(self) -> int:
        """Count the bytes that were taken.

        Returns:
            Those of the content so far.
        """
        return len(self._content)

    def take(self, buffer: bytes, at: int) -> int:
        """Take what there is of the body.

        Args:
            buffer: Received bytes.
            at: Where the untaken ones start.

        Returns:
            Where the bytes start that are not taken: the next
            request's, or of a line that is not whole yet.

        Raises:
            HttpError: `malformed_request` for a chunk that can be read
                in two ways, `body_too_large`.
        """
        while not self.done:
            if self._next is _Next.DATA:
                taken = self._take_data(buffer, at)
            elif self._next is _Next.DATA_END:
                taken = self._take_data_end(buffer, at)
            else:
                taken = self._take_line(buffer, at)
            if taken == at:
                return at
            at = taken
        return at

    def content(self) -> bytes:
        """Give the whole body.

        Returns:
            Its bytes, without the chunks' borders.
        """
        return bytes(self._content)

    def _take_data(self, buffer: bytes, at: int) -> int:
        part = buffer[at : at + self._left]
        self._content += part
        self._left -= len(part)
        if not self._left:
            self._next = _Next.DATA_END
        return at + len(part)

    def _take_data_end(self, buffer: bytes, at: int) -> int:
        end = buffer[at : at + 2]
        if not b"\r\n".startswith(end):
            raise malformed("A chunk is longer than its size says.")
        if len(end) < 2:
            return at
        self._next = _Next.SIZE
        return at + 2

    def _take_line(self, buffer: bytes, at: int) -> int:
        most = MAX_CHUNK_LINE if self._next is _Next.SIZE else MAX_HEADERS
        feed = buffer.find(b"\n", at, at + most + 2)
        if feed < 0:
            if len(buffer) - at >= most + 2:
                raise malformed(
                    f"A line between or behind the chunks has more than {most:,} bytes."
                )
            return at
        if feed == at or buffer[feed - 1] != 0x0D:
            raise malformed("A line between or behind the chunks ends without a carriage return.")
        line = buffer[at : feed - 1]
        if self._next is _Next.SIZE:
            self._begin_chunk(line)
        else:
            self._pass_trailer(line)
        return feed + 1

    def _begin_chunk(self, line: bytes) -> None:
        found = _CHUNK_LINE.fullmatch(line)
        if not found:
            # Not shown back: where chunks are badly framed, a line is
            # the body's, and may hold a password.
            raise malformed("A chunk does not begin with its size as a hexadecimal number.")
        self._discard(len(line) - len(found[1]))
        self._left = int(found[1], 16)
        self._size += self._left
        if self._size > self._limit:
            raise HttpError(
                Code.BODY_TOO_LARGE, f"The body has more than {self._limit:,} bytes; send fewer."
            )
        self._next = _Next.DATA if self._left else _Next.TRAILER

    def _pass_trailer(self, line: bytes) -> None:
        if not line:
            self.done = True
            return
        self._trailers += 1
        self._discard(len(line))
        if not is_field_line(line):
            raise malformed("The body's trailer has a line that is no header field.")

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > MAX_HEADERS or self._trailers > MAX_FIELDS:
            raise HttpError(
                Code.HEADERS_TOO_LARGE,
                "The body's chunk extensions or trailers are too large; send none.",
            )
