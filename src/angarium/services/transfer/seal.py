"""How an export shows that a line was changed, or is missing.

Every line but the last ends with `check`: the CRC-32 of what precedes
it in the line. So a line that was changed is found by its number, and
equal data make equal lines. The last line has the SHA-256 of all bytes
before it, from which no line can be missing.
"""

import re
import zlib
from hashlib import sha256

from angarium.services.transfer.entries import Counts, End, Entry, InvalidLine
from angarium.services.transfer.lines import encode, encode_end

_SEALED = re.compile(rb'(\{.*),"check":"([0-9a-f]{8})"\}\n', re.DOTALL)


class Seal:
    """The digest of an export, up to one of its lines."""

    def __init__(self) -> None:
        """Begin before the first line."""
        self._digest = sha256()

    def add(self, entry: Entry) -> bytes:
        """Write the next line.

        Args:
            entry: What it holds.

        Returns:
            The line, with its check and its line end.
        """
        return self._add(encode(entry))

    def open(self, line: bytes) -> bytes:
        """Check the next line that was read.

        Args:
            line: All of it, with its line end.

        Returns:
            The line without its check, a JSON object.

        Raises:
            InvalidLine: It is not what was written.
        """
        found = _SEALED.fullmatch(line)
        if found is None:
            raise InvalidLine("it does not end with a check")
        if self._add(found[1]) != line:
            raise InvalidLine("it was changed after it was written: its check does not match")
        return found[1] + b"}"

    def end(self, counts: Counts) -> bytes:
        """Write the last line.

        Args:
            counts: How many lines of each kind were written.

        Returns:
            The line.
        """
        return encode_end(End(counts, self.sha256))

    @property
    def sha256(self) -> str:
        """The digest of all lines so far, in hexadecimal."""
        return self._digest.hexdigest()

    def _add(self, body: bytes) -> bytes:
        """Add a line, given without its check and closing brace."""
        line = b'%s,"check":"%08x"}\n' % (body, zlib.crc32(body))
        self._digest.update(line)
        return line
