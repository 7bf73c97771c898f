"""Damage in a write-ahead log that a crash has left.

SQLite stops reading a WAL at the first frame whose checksum is wrong,
and takes everything after it for the rest of a commit that a crash
interrupted (sqlite.org/fileformat2.html, "The Write-Ahead Log"). That
is right for an incomplete end. After a flipped bit it silently drops
what was committed and confirmed. This module distinguishes the two
(docs/adr/0005).
"""

import os
import shutil
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from angarium import logs
from angarium.domain.errors import SetupError
from angarium.engines.embedded.data_folder import backup_hint

_HEADER = struct.Struct(">4I8s8s")
"""Magic, version, page size, checkpoint number, salts, checksum."""
_FRAME = struct.Struct(">II8s8s")
"""Page number, pages after a commit (else 0), salts, checksum."""
_MAGIC = 0x377F0682
"""The lowest bit is set if checksums use big-endian words."""

_INDEX = struct.Struct("=12xB3xII8x8s8x")
"""Of the WAL index (`-shm`): is initialised, last committed frame, the
database's pages after it, salts."""

_PAGE_SIZE = 4096
"""SQLite's default since 3.12, which `connections` leaves as it is."""

_log = logs.get("angarium.engines.embedded")


@dataclass(frozen=True, slots=True)
class Damage:
    """What was committed and cannot be read.

    Attributes:
        frames: The number of unreadable frames, one page each.
        transactions: The number of commits that end in them, as far as
            can be seen.
    """

    frames: int
    transactions: int


class LeftWal:
    """A WAL as it was before SQLite opened it."""

    def __init__(self, path: Path) -> None:
        """Look at the files beside a database, before it is opened.

        Args:
            path: The database's file.
        """
        self.path = path.with_name(f"{path.name}-wal")
        self._salts, self._page_size, self._big_endian = _read_header(self.path)
        last, _, salts = _read_index(path)
        self._committed = last if salts == self._salts else 0

    def damage(self, recovered: int) -> Damage | None:
        """Compare the file with what SQLite could read of it.

        Args:
            recovered: The last frame that SQLite read, 0 for none.

        Returns:
            What it dropped although it was committed; None when it
            dropped nothing.
        """
        if not self._salts:
            return None
        try:
            with self.path.open("rb") as file:
                if _read_header(self.path)[0] != self._salts:
                    # Another process has begun the file anew meanwhile.
                    return None
                commits = self._dropped_commits(file, recovered)
        except FileNotFoundError:
            return None
        last = max([self._committed, *commits])
        if last <= recovered:
            return None
        return Damage(last - recovered, max(len(commits), 1))

    def keep(self) -> str:
        """Copy the file once, for its owner alone.

        Returns:
            The end of a sentence that says where the copy is.
        """
        kept = self.path.with_name(f"{self.path.name}.damaged-{self._salts.hex()}")
        try:
            with self.path.open("rb") as source, kept.open("xb") as target:
                kept.chmod(0o600)
                shutil.copyfileobj(source, target)
        except FileExistsError:
            # A start that was refused has kept it before.
            pass
        except OSError as error:
            return f"no copy of it could be kept: {error.strerror}"
        return f"a copy of it is kept as {kept}"

    def _dropped_commits(self, file: BinaryIO, recovered: int) -> list[int]:
        """Return the frames that end commits which SQLite dropped."""
        checksum = self._checksum_at(file, recovered)
        intact = recovered
        commits = []
        for number in self._frames(file, recovered):
            file.seek(self._offset_of(number))
            header = file.read(_FRAME.size)
            if number == intact + 1:
                page = file.read(self._page_size)
                checksum = _checksum(header[:8] + page, checksum, self._big_endian)
                if struct.pack(">2I", *checksum) != header[16:]:
                    # A crash may have torn this one: it proves nothing.
                    continue
                intact = number
            if _FRAME.unpack(header)[1]:
                commits.append(number)
        return commits

    def _frames(self, file: BinaryIO, recovered: int) -> Iterator[int]:
        """Yield the frames with this WAL's salts; others are older."""
        size = os.fstat(file.fileno()).st_size
        number = recovered + 1
        while self._offset_of(number + 1) <= size:
            file.seek(self._offset_of(number))
            if _FRAME.unpack(file.read(_FRAME.size))[2] == self._salts:
                yield number
            number += 1

    def _offset_of(self, number: int) -> int:
        """Return a frame's first byte in the file."""
        return _HEADER.size + (number - 1) * (_FRAME.size + self._page_size)

    def _checksum_at(self, file: BinaryIO, number: int) -> tuple[int, int]:
        """Return the checksum after a frame; 0 is the header."""
        file.seek(self._offset_of(number) + 16 if number else 24)
        first, second = struct.unpack(">2I", file.read(8))
        return first, second


def report(wal: LeftWal, path: Path) -> None:
    """Log damage, and copy the file before commits overwrite it.

    Args:
        wal: As it was before SQLite opened it.
        path: The database's file; SQLite has opened it since, and this
            process has no connection to it now.
    """
    recovered, _, _ = _read_index(path)
    damage = wal.damage(recovered)
    # A service that runs at the same time may have committed since.
    if damage is None or recovered != _read_index(path)[0]:
        return
    _log.error(
        "wal_damaged",
        f"{wal.path} is damaged: {damage.frames} pages after frame {recovered}, of "
        f"{damage.transactions} transactions or more, cannot be read; what was accepted in them "
        f"is lost; {wal.keep()}",
        frames=damage.frames,
        transactions=damage.transactions,
    )


def refuse_foreign(path: Path, counted: int, count_again: Callable[[], int]) -> None:
    """Refuse a WAL that belongs to a database of another size.

    Every commit writes the database's size into the WAL, and into the
    first page when it has changed. So the two differ only if one of the
    files was put there later.

    Args:
        path: The database's file; this process has no connection to it.
        counted: The database's own page count.
        count_again: Reads it again.

    Raises:
        SetupError: The two do not belong together.
    """
    last, pages, _ = _read_index(path)
    # One that is in use may have grown meanwhile; it never shrinks.
    if last and pages != counted and counted == count_again():
        raise SetupError(
            f"{path} has {counted} pages, but the write-ahead log beside it was written for one "
            f"of {pages}; nothing was changed{backup_hint(path)}"
        )


def _read_header(path: Path) -> tuple[bytes, int, bool]:
    """Return a WAL's salts, page size and whether it is big-endian.

    SQLite ignores a file with a damaged header. Then the salts are read
    from the first frame, and the page size is that of every database.

    Returns:
        No salts when the file has no frame.
    """
    try:
        with path.open("rb") as file:
            header, frame = file.read(_HEADER.size), file.read(_FRAME.size)
    except FileNotFoundError:
        return b"", 0, False
    if len(frame) < _FRAME.size:
        return b"", 0, False
    magic, _, page_size, _, salts, checksum = _HEADER.unpack(header)
    big_endian = bool(magic & 1)
    if (
        magic & ~1 == _MAGIC
        and struct.pack(">2I", *_checksum(header[:24], (0, 0), big_endian)) == checksum
    ):
        return salts, page_size, big_endian
    return frame[8:16], _PAGE_SIZE, False


def _read_index(path: Path) -> tuple[int, int, bytes]:
    """Read the WAL index, while this process has no connection.

    SQLite writes to it once a commit is synced, so it is never ahead of
    the WAL. It survives the process, though not always the machine.
    With a connection, closing the file here would release SQLite's own
    locks on it (sqlite.org/howtocorrupt.html, "Posix advisory locks
    canceled").

    Returns:
        The last committed frame, the database's pages after it, and the
        WAL's salts; zeros and no salts when there is no valid index.
    """
    try:
        with path.with_name(f"{path.name}-shm").open("rb") as file:
            first, second = file.read(_INDEX.size), file.read(_INDEX.size)
    except FileNotFoundError:
        return 0, 0, b""
    if len(second) < _INDEX.size or first != second:
        return 0, 0, b""
    initialised, last, pages, salts = _INDEX.unpack(first)
    return (last, pages, salts) if initialised else (0, 0, b"")


def _checksum(data: bytes, start: tuple[int, int], big_endian: bool) -> tuple[int, int]:
    """Continue SQLite's checksum over whole words."""
    words = struct.unpack(f"{'>' if big_endian else '<'}{len(data) // 4}I", data)
    first, second = start
    for index in range(0, len(words), 2):
        first = (first + words[index] + second) & 0xFFFFFFFF
        second = (second + words[index + 1] + first) & 0xFFFFFFFF
    return first, second
