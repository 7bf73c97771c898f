"""Writes lines to stderr without making requests wait for it."""

import logging
import select
import threading
import time
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from typing import TextIO

from angarium.logs.json_format import JsonFormatter
from angarium.logs.line import Line, action_of
from angarium.logs.stream_writer import StreamWriter
from angarium.threads import NamedThread

CAPACITY = 10_000
"""Lines that may wait to be written: a few MiB."""

LINGER_S = 0.05
"""How long a line waits for others, so that many share one write."""

WAIT_S = 3.0
"""How long a thread waits for a reader of stderr that takes nothing."""

MAX_WRITE_BYTES = min(select.PIPE_BUF, 4096)
"""Of one write. A pipe keeps so many bytes in one piece when several
processes write to it (POSIX, `PIPE_BUF`).
"""


class BufferedHandler(logging.Handler):
    """Writes lines from a thread of its own, many with one call.

    Lines are never mixed, and those of a thread keep their order. A
    slow reader of stderr slows the program down and loses nothing. If
    one takes nothing for WAIT_S, further lines are counted
    instead of written; `log_lines_lost` has the number as soon as the
    reader takes lines again. A WARNING or worse is written at once.

    Only queues and reentrant locks are used for a line, so that a
    signal handler or a finaliser may log too.
    """

    def __init__(
        self,
        stream: TextIO | None,
        capacity: int = CAPACITY,
        linger_s: float = LINGER_S,
        wait_s: float = WAIT_S,
    ) -> None:
        """Start the thread.

        Args:
            stream: Where lines go, None for nowhere.
            capacity: Lines that may wait to be written.
            linger_s: How long a line waits for others.
            wait_s: How long to wait for a reader that takes nothing.
        """
        super().__init__()
        self._writer = StreamWriter(stream)
        self._capacity = capacity
        self._linger_s = linger_s
        self._wait_s = wait_s
        self._lines: SimpleQueue[bytes | threading.Event] = SimpleQueue()
        self._hurry: SimpleQueue[None] = SimpleQueue()
        self._room = threading.Condition()
        self._stuck = False
        self._lost = 0
        self._writing = threading.Lock()
        self._closing = False
        self._thread_ended = False
        self._thread = NamedThread(target=self._run, name="logs", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line.

        Args:
            record: Of this program or of a library.
        """
        if self._lines.qsize() >= self._capacity and not self._wait_for_room():
            return
        self._lines.put(self._encode(record))
        if self._thread_ended:
            self._write_waiting()
        elif record.levelno >= logging.WARNING:
            self._hurry_up()

    def take(self, level: str, action: str, message: str, fields: Mapping[str, object]) -> bool:
        """Queue a line below WARNING in less time than `emit` takes.

        Each message that is sent logs three of them.

        Args:
            level: The level's name.
            action: What happened, stable, snake_case.
            message: For a person.
            fields: Ids and figures.

        Returns:
            False if nothing was queued, so `emit` must be called.
        """
        formatter = self.formatter
        if self._closing or not isinstance(formatter, JsonFormatter):
            return False
        try:
            line = formatter.line(time.time(), level, action, message, fields)
        except Exception:  # noqa: BLE001 - `emit` meets it again, and logs it
            return False
        if self._lines.qsize() >= self._capacity and not self._wait_for_room():
            return True
        self._lines.put(f"{line}\n".encode("ascii", "backslashreplace"))
        if self._thread_ended:
            self._write_waiting()
        return True

    def flush(self) -> None:
        """Wait until all queued lines are written, or WAIT_S."""
        if self._closing:
            return
        written = threading.Event()
        self._lines.put(written)
        self._hurry_up()
        written.wait(self._wait_s)

    def close(self) -> None:
        """Write what is left and end the thread, within WAIT_S.

        Safe to repeat. Later lines are written by the threads that log
        them.
        """
        if not self._closing:
            self._closing = True
            self._lines.put(threading.Event())
            self._hurry_up()
            self._thread.join(self._wait_s)
            if not self._thread.is_alive():
                self._thread_ended = True
                self._write_waiting()
        super().close()

    def _encode(self, record: logging.LogRecord) -> bytes:
        """Return a line's bytes, or an ERROR's if it is faulty."""
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001 - a faulty line must not stop the work, nor vanish
            text = self.format(_unwritable(record, error))
        return (text + "\n").encode("utf-8", "backslashreplace")

    def _wait_for_room(self) -> bool:
        """Return whether the queue has room; else count a lost line."""
        self._hurry_up()
        with self._room:
            if not self._stuck and self._room.wait_for(self._has_room, self._wait_s):
                return True
            self._stuck = True
            self._lost += 1
            return False

    def _has_room(self) -> bool:
        """Return whether one more line may wait."""
        return self._lines.qsize() < self._capacity

    def _hurry_up(self) -> None:
        """Have the thread write now, without waiting for more lines."""
        if self._hurry.empty():
            self._hurry.put(None)

    def _run(self) -> None:
        """Write lines until `close`; the body of the thread."""
        while not (self._closing and self._lines.empty()):
            first = self._lines.get()
            self._wait_for_more()
            with self._writing:
                self._write(first)

    def _wait_for_more(self) -> None:
        """Let more lines come, unless somebody is in a hurry."""
        try:
            self._hurry.get(timeout=self._linger_s)
        except Empty:
            return

    def _write_waiting(self) -> None:
        """Write queued lines on the calling thread."""
        with self._writing:
            try:
                self._write(self._lines.get_nowait())
            except Empty:
                return

    def _write(self, first: bytes | threading.Event) -> None:
        """Write all queued lines, and set the events between them."""
        batch: list[bytes] = []
        size = 0
        item: bytes | threading.Event | None = first
        while item is not None:
            if not isinstance(item, bytes):
                self._write_batch(batch)
                batch, size = [], 0
                item.set()
            else:
                if size + len(item) > MAX_WRITE_BYTES:
                    self._write_batch(batch)
                    batch, size = [], 0
                batch.append(item)
                size += len(item)
            item = self._next()
        self._write_batch(batch)

    def _next(self) -> bytes | threading.Event | None:
        """Return the next queued item, None if there is none."""
        try:
            return self._lines.get_nowait()
        except Empty:
            return None

    def _write_batch(self, batch: list[bytes]) -> None:
        """Write lines with one call, and count them if that fails."""
        if not batch:
            return
        # There is room as soon as lines have left the queue, however
        # long it takes to write them.
        with self._room:
            self._room.notify_all()
        written = self._writer.write(b"".join(batch))
        with self._room:
            self._stuck = False
            lost, self._lost = (self._lost, 0) if written else (0, self._lost + len(batch))
        if lost:
            self._lines.put(self._encode(_lost_lines(lost)))


def _unwritable(record: logging.LogRecord, error: Exception) -> Line:
    """Return the line that replaces one which cannot be formatted."""
    fields = {"line_action": action_of(record), "logger": record.name}
    return Line(
        "angarium.logs",
        logging.ERROR,
        "unwritable_line",
        "A line could not be written.",
        fields,
        error,
    )


def _lost_lines(lost: int) -> Line:
    """Return the line that says how many were not written."""
    message = "These lines were lost, because nothing read stderr; check what reads it."
    return Line("angarium.logs", logging.ERROR, "log_lines_lost", message, {"lines": lost})
