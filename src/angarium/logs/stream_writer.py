"""Writes the bytes of log lines to stderr."""

import os
import select
from typing import TextIO

FULL_PIPE_S = 1.0
"""How long to wait for room in a full pipe before the next try. Another
process that shares the pipe may have set it to non-blocking.
"""


class StreamWriter:
    """Writes bytes to a stream's file, without the stream's buffer.

    What is left in the buffer of `sys.stderr` is written again when the
    interpreter ends, and a failure changes its exit status. A daemon
    thread that holds the buffer's lock would even block that end.
    """

    def __init__(self, stream: TextIO | None) -> None:
        """Flush the stream once; None means that nothing is written."""
        self._stream = stream
        self._file = _file_of(stream)
        self._broken_off = False

    def write(self, data: bytes) -> bool:
        """Write everything, however long the reader takes.

        Args:
            data: Complete lines.

        Returns:
            False if some of it was lost, because there is no reader or
            the disk is full.
        """
        try:
            if self._file is not None:
                self._write_file(self._file, data)
            elif self._stream is not None:
                self._stream.write(data.decode())
                self._stream.flush()
        except (OSError, ValueError):
            # It cannot be logged now. The caller counts it, and logs
            # the number when it can.
            return False
        return self._stream is not None

    def _write_file(self, file: int, data: bytes) -> None:
        """Write bytes, on a new line if the last one was incomplete."""
        rest = memoryview(b"\n" + data if self._broken_off else data)
        whole = len(rest)
        try:
            while rest:
                rest = rest[_write_some(file, rest) :]
        finally:
            self._broken_off = bool(rest) and (self._broken_off or len(rest) < whole)


def _file_of(stream: TextIO | None) -> int | None:
    """Return a stream's descriptor, None if it has no open one."""
    if stream is None:
        return None
    try:
        stream.flush()
        return stream.fileno()
    except (OSError, ValueError):
        return None


def _write_some(file: int, data: memoryview) -> int:
    """Return how many bytes a file took; waits if it is a full pipe."""
    try:
        return os.write(file, data)
    except BlockingIOError:
        select.select([], [file], [], FULL_PIPE_S)
        return 0
