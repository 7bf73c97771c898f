"""Request bodies, read piece by piece within limits (RFC 9112, 7)."""

import re
from enum import Enum, auto
from typing import Protocol

from angarium.api.interface import MAX_BODY_BYTES
from angarium.api.transport.http_parser import (
    MAX_FIELDS,
    MAX_HEADERS,
    HttpError,
    is_field_line,
    malformed_request,
)
from angarium.domain.errors import Code

MAX_CHUNK_LINE = 1024
"""Bytes of a chunk's size with its extensions. All extensions of a body
together may have `MAX_HEADERS`.
"""

MAX_PIECES_AT_ONCE = 192
"""Sizes, data and line ends that are taken in one go: 64 chunks, some
0.2 ms. A body of one-byte chunks has 30,000, and nobody else would be
served meanwhile.
"""

# RFC 9112, 7.1: extensions may follow the size. They are ignored.
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")


class Body(Protocol):
    """A body that is being received.

    Attributes:
        done: True once it is complete.
        has_more: True if it is not, and another call of `take` with the
            same bytes would go on.
    """

    done: bool
    has_more: bool

    @property
    def held(self) -> int:
        """The bytes of content that are in memory."""
        ...

    def take(self, buffer: bytes, at: int) -> int:
        """Take the part of the body that has been received.

        Args:
            buffer: Received bytes.
            at: Where those start that were not taken before.

        Returns:
            Where the bytes start that were not taken: the next
            request's, or of an incomplete line.

        Raises:
            HttpError: `malformed_request`, or `body_too_large`.
        """
        ...

    def content(self) -> bytes:
        """Return the complete body.

        Returns:
            Its bytes, without the chunks' sizes.
        """
        ...


class SizedBody:
    """A body with a Content-Length."""

    has_more = False

    def __init__(self, length: int) -> None:
        """Expect a number of bytes."""
        self._left = length
        # Not a list: many tiny parts would take many times their size.
        self._content = bytearray()
        self.done = length == 0

    @property
    def held(self) -> int:
        """Implements `Body.held`."""
        return len(self._content)

    def take(self, buffer: bytes, at: int) -> int:
        """Implements `Body.take`."""
        part = buffer[at : at + self._left]
        self._content += part
        self._left -= len(part)
        self.done = self._left == 0
        return at + len(part)

    def content(self) -> bytes:
        """Implements `Body.content`."""
        return bytes(self._content)


class _Next(Enum):
    """What the next bytes of a chunked body must be."""

    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()


class ChunkedBody:
    """A body in chunks; its extensions and trailers are discarded.

    See RFC 9112, section 7.1.
    """

    def __init__(self) -> None:
        """Expect the first chunk of at most `MAX_BODY_BYTES` in all."""
        self._next = _Next.SIZE
        self._left = 0
        self._size = 0
        self._content = bytearray()
        self._trailers = 0
        self._discarded = 0
        self.done = False
        self.has_more = False

    @property
    def held(self) -> int:
        """Implements `Body.held`."""
        return len(self._content)

    def take(self, buffer: bytes, at: int) -> int:
        """Implements `Body.take`; strict, as `http_parser` is."""
        self.has_more = False
        for _ in range(MAX_PIECES_AT_ONCE):
            if self.done:
                return at
            if self._next is _Next.DATA:
                taken = self._take_data(buffer, at)
            elif self._next is _Next.DATA_END:
                taken = self._take_data_end(buffer, at)
            else:
                taken = self._take_line(buffer, at)
            if taken == at:
                return at
            at = taken
        self.has_more = not self.done
        return at

    def content(self) -> bytes:
        """Implements `Body.content`."""
        return bytes(self._content)

    def _take_data(self, buffer: bytes, at: int) -> int:
        """Return where the bytes after this part of a chunk start."""
        part = buffer[at : at + self._left]
        self._content += part
        self._left -= len(part)
        if not self._left:
            self._next = _Next.DATA_END
        return at + len(part)

    def _take_data_end(self, buffer: bytes, at: int) -> int:
        """Return the place after the line end that ends a chunk."""
        end = buffer[at : at + 2]
        if not b"\r\n".startswith(end):
            raise malformed_request("A chunk is longer than its size says.")
        if len(end) < 2:
            return at
        self._next = _Next.SIZE
        return at + 2

    def _take_line(self, buffer: bytes, at: int) -> int:
        """Return the place after a line: a size, or a trailer."""
        limit = MAX_CHUNK_LINE if self._next is _Next.SIZE else MAX_HEADERS
        feed = buffer.find(b"\n", at, at + limit + 2)
        if feed < 0:
            if len(buffer) - at >= limit + 2:
                if self._next is _Next.TRAILER:
                    # One line with more than all of them may have.
                    self._discard(limit + 1)
                raise malformed_request(
                    f"A line between the chunks has more than {limit:,} bytes."
                )
            return at
        if feed == at or buffer[feed - 1] != 0x0D:
            raise malformed_request(
                "A line between or after the chunks ends without a carriage return."
            )
        line = buffer[at : feed - 1]
        if self._next is _Next.SIZE:
            self._begin_chunk(line)
        else:
            self._pass_trailer(line)
        return feed + 1

    def _begin_chunk(self, line: bytes) -> None:
        """Read the size of the next chunk; 0 starts the trailer."""
        found = _CHUNK_LINE.fullmatch(line)
        if not found:
            # The line is not quoted: if the chunks are malformed, it
            # may be part of the body, with a password.
            raise malformed_request(
                "A chunk does not begin with its size as a hexadecimal number."
            )
        self._discard(len(line) - len(found[1]))
        self._left = int(found[1], 16)
        self._size += self._left
        if self._size > MAX_BODY_BYTES:
            raise HttpError(
                Code.BODY_TOO_LARGE,
                f"The body has more than {MAX_BODY_BYTES:,} bytes; send fewer.",
            )
        self._next = _Next.DATA if self._left else _Next.TRAILER

    def _pass_trailer(self, line: bytes) -> None:
        """Check a trailer and ignore it; an empty line is the end."""
        if not line:
            self.done = True
            return
        self._trailers += 1
        self._discard(len(line))
        if not is_field_line(line):
            raise malformed_request("The body's trailer has a line that is not a header field.")

    def _discard(self, count: int) -> None:
        """Count ignored bytes, which cost time as any others do."""
        self._discarded += count
        if self._discarded > MAX_HEADERS or self._trailers > MAX_FIELDS:
            raise HttpError(
                Code.HEADERS_TOO_LARGE,
                "The body's chunk extensions or trailers are too large; send none.",
            )
