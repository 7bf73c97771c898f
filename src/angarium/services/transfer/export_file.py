"""Writing and reading an export line by line."""

from collections.abc import Iterator
from typing import BinaryIO

from angarium.services.transfer.entries import Counts, End, Entry, InvalidLine
from angarium.services.transfer.lines import (
    FORMAT,
    MAX_LINE_BYTES,
    decode,
    decode_end,
    decode_version,
    is_end,
)
from angarium.services.transfer.rules import ExportRules
from angarium.services.transfer.seal import Seal
from angarium.services.transfer.sorted_ids import SortedIds


class InvalidExport(Exception):
    """A file that is not imported; the text names the line."""


class ExportWriter:
    """Makes the lines of an export, once each has passed the rules."""

    def __init__(self) -> None:
        """Begin before the first line."""
        self._seal = Seal()
        self._rules = ExportRules()

    @property
    def counts(self) -> Counts:
        """How many lines of each kind were made."""
        return self._rules.counts

    @property
    def sha256(self) -> str:
        """The digest of all lines so far, in hexadecimal."""
        return self._seal.sha256

    def add(self, entry: Entry) -> bytes:
        """Make the next line.

        Args:
            entry: What it holds.

        Returns:
            The line.

        Raises:
            InvalidLine: No import would accept it.
        """
        self._rules.check(entry)
        return self._seal.add(entry)

    def end(self) -> bytes:
        """Make the last line.

        Returns:
            The line.
        """
        return self._seal.end(self.counts)


class ExportReader:
    """Reads an export from its beginning to its end.

    Attributes:
        line: The number of the line that was read last, from 1.
        end: What the last line says; None before it was read.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Take a file whose next byte is the first.

        Args:
            file: The export; the caller closes it.
        """
        self.line = 0
        self.end: End | None = None
        self._file = file
        self._seal = Seal()
        self._rules = ExportRules()

    @property
    def counts(self) -> Counts:
        """How many lines of each kind were read."""
        return self._rules.counts

    @property
    def conversations(self) -> SortedIds:
        """The ids of the conversations that were read."""
        return self._rules.conversations

    def entries(self) -> Iterator[Entry]:
        """Read all lines; after them `end` is known.

        Yields:
            What each line holds, in the order of the file.

        Raises:
            InvalidExport: Something is wrong with a line. It is raised
                instead of yielding that line, or at the end.
        """
        try:
            while not is_end(line := self._read_line()):
                body = self._seal.open(line)
                entry = decode(body)
                self._rules.check(entry)
                yield entry
            self._read_end(line)
        except InvalidLine as error:
            raise InvalidExport(f"line {self.line:,} is refused: {error}") from error

    def _read_line(self) -> bytes:
        """Read the next line, which must be whole."""
        line = self._file.readline(MAX_LINE_BYTES + 1)
        if not line:
            raise InvalidExport(
                f"the file ends after line {self.line:,}, without its last line: it was cut off"
                if self.line
                else "line 1 is missing: the file is empty"
            )
        self.line += 1
        if len(line) > MAX_LINE_BYTES:
            raise InvalidLine(f"it is longer than {MAX_LINE_BYTES:,} bytes")
        if self.line == 1:
            _check_version(line)
        if not line.endswith(b"\n"):
            raise InvalidLine("the file ends in the middle of it: it was cut off")
        return line

    def _read_end(self, line: bytes) -> None:
        """Check the last line against all others."""
        self._rules.check_end()
        end = decode_end(line)
        if line != self._seal.end(self.counts):
            raise InvalidLine("its counts or its sha256 are not those of the lines before it")
        if self._file.read(1):
            self.line += 1
            raise InvalidLine("it follows the last line of the export")
        self.end = end


def _check_version(line: bytes) -> None:
    """Refuse a file of another version before anything else."""
    version = decode_version(line)
    if version != FORMAT:
        raise InvalidLine(
            f"the file has version {version} of the format, this program reads version {FORMAT}"
        )
