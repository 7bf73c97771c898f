"""Lines out of a pipe, without keeping more of one than could be
sent.
"""

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

from angarium.domain.message import MAX_CONTENT_BYTES


@dataclass(frozen=True, slots=True)
class InputLine:
    """A line without its end.

    Attributes:
        text: Undecodable bytes are lone surrogates; only the beginning
            of a line that is far too long.
        size: In bytes of UTF-8, of the whole line.
    """

    text: str
    size: int


class LineSplitter:
    """Cuts bytes into lines, wherever the pieces are cut; the memory it
    needs is bounded.
    """

    def __init__(self) -> None:
        self._kept = bytearray()
        self._size = 0
        self._is_first = True

    def feed(self, data: bytes) -> Iterator[InputLine]:
        """Take what was read.

        Args:
            data: Nothing at the end of the input.

        Yields:
            The lines that are whole; at the end also what stands there
            without a line feed.
        """
        if not data:
            line = self._line()
            if line.size:
                yield line
            return
        *whole, rest = data.split(b"\n")
        for piece in whole:
            self._add(piece)
            yield self._line()
        self._add(rest)

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        self._kept += piece[: max(0, MAX_CONTENT_BYTES + 1 - len(self._kept))]

    def _line(self) -> InputLine:
        # Windows begins a text with a byte order mark, which is no part
        # of it.
        if self._is_first and self._kept.startswith(codecs.BOM_UTF8):
            del self._kept[: len(codecs.BOM_UTF8)]
            self._size -= len(codecs.BOM_UTF8)
        self._is_first = False
        line = InputLine(self._kept.decode("utf-8", "surrogateescape"), self._size)
        self._kept.clear()
        self._size = 0
        return line
