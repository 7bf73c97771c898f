"""Where lines leave the program."""

import os
import select
from typing import TextIO

FULL_PIPE_SECONDS = 1.0
"""How long a full pipe that somebody set to not blocking is watched
before it is tried again.
"""


class StreamWriter:
    """Writes bytes to a stream's file, past the stream's own buffer.

    What the buffer of `sys.stderr` could not get rid of would be tried
    again when the interpreter ends, and spoil its exit status; its
    lock, held by a thread that ends with the interpreter, would stop it
    dead.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._file = _file_of(stream)
        self._broken_off = False

    def write(self, data: bytes) -> bool:
        """Write all of it, however long the reader takes.

        Args:
            data: Whole lines.

        Returns:
            False when some of it was lost, since nobody can read it or
            the disk is full.
        """
        try:
            if self._file is not None:
                self._write_file(self._file, data)
            elif self._stream is not None:
                self._stream.write(data.decode())
                self._stream.flush()
        except (OSError, ValueError):
            # There is no place left to say so; the caller counts it,
            # and tells when there is one again.
            return False
        return self._stream is not None

    def _write_file(self, file: int, data: bytes) -> None:
        # A line that broke off in the middle must not spoil the next
        # one.
        rest = memoryview(b"\n" + data if self._broken_off else data)
        whole = len(rest)
        try:
            while rest:
                rest = rest[_write_some(file, rest) :]
        finally:
            self._broken_off = bool(rest) and (self._broken_off or len(rest) < whole)


def _file_of(stream: TextIO | None) -> int | None:
    if stream is None:
        return None
    try:
        stream.flush()
        return stream.fileno()
    except (OSError, ValueError):
        return None


def _write_some(file: int, data: memoryview) -> int:
    try:
        return os.write(file, data)
    except BlockingIOError:
        select.select([], [file], [], FULL_PIPE_SECONDS)
        return 0
