"""How lines get to stderr without making a request wait for it."""

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
"""Lines that may wait to be written."""

LINGER_SECONDS = 0.05
"""How long a line may wait for others, so that many share one write."""

PATIENCE_SECONDS = 3.0
"""How long anybody waits for a reader that takes nothing."""

BUNCH_BYTES = min(select.PIPE_BUF, 4096)
"""What one write carries: a pipe keeps so much in one piece when
several processes write to it (POSIX).
"""


class BufferedHandler(logging.Handler):
    """Writes lines in bunches from a thread of its own.

    Lines come out whole, and each thread's in its order. A slow reader
    slows the program down and loses nothing; one that takes nothing for
    PATIENCE_SECONDS stops nobody any longer: further lines are counted
    instead, and `log_lines_lost` tells the number as soon as the reader
    takes lines again. A line of WARNING or worse does not wait for
    others to share its write.

    Only queues and locks that one thread may enter twice lie on a
    line's way, so that a signal handler or a finaliser may write one as
    well.
    """

    def __init__(
        self,
        stream: TextIO | None,
        capacity: int = CAPACITY,
        linger: float = LINGER_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        super().__init__()
        self._outlet = StreamWriter(stream)
        self._capacity = capacity
        self._linger = linger
        self._patience = patience
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
        """Take a line.

        Args:
            record: What to write.
        """
        if self._lines.qsize() >= self._capacity and not self._wait_for_room():
            return
        self._lines.put(self._encoded(record))
        if self._thread_ended:
            self._write_waiting()
        elif record.levelno >= logging.WARNING:
            self._hurry_up()

    def take(self, level: str, action: str, message: str, fields: Mapping[str, object]) -> bool:
        """Take a line below WARNING on a shorter way than `emit`; each
        message that is sent brings three.

        Args:
            level: The level's name.
            action: What happened, stable, snake_case.
            message: For a person.
            fields: Ids and figures.

        Returns:
            False, and nothing is taken, when the line must go the long
            way.
        """
        formatter = self.formatter
        if self._closing or not isinstance(formatter, JsonFormatter):
            return False
        try:
            line = formatter.line(time.time(), level, action, message, fields)
        except Exception:  # noqa: BLE001 - `emit` meets it again, and tells it
            return False
        if self._lines.qsize() >= self._capacity and not self._wait_for_room():
            return True
        self._lines.put(f"{line}\n".encode("ascii", "backslashreplace"))
        if self._thread_ended:
            self._write_waiting()
        return True

    def flush(self) -> None:
        """Wait until all lines taken so far are written,
        PATIENCE_SECONDS at most.
        """
        if self._closing:
            return
        written = threading.Event()
        self._lines.put(written)
        self._hurry_up()
        written.wait(self._patience)

    def close(self) -> None:
        """Write what is left and stop the thread, within
        PATIENCE_SECONDS; safe to repeat.

        Lines that come later are written by whoever brings them.
        """
        if not self._closing:
            self._closing = True
            self._lines.put(threading.Event())
            self._hurry_up()
            self._thread.join(self._patience)
            if not self._thread.is_alive():
                self._thread_ended = True
                self._write_waiting()
        super().close()

    def _encoded(self, record: logging.LogRecord) -> bytes:
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001 - a faulty line must not stop the work, nor vanish
            text = self.format(_unwritable(record, error))
        return (text + "\n").encode("utf-8", "backslashreplace")

    def _wait_for_room(self) -> bool:
        self._hurry_up()
        with self._room:
            if not self._stuck and self._room.wait_for(self._has_room, self._patience):
                return True
            self._stuck = True
            self._lost += 1
            return False

    def _has_room(self) -> bool:
        return self._lines.qsize() < self._capacity

    def _hurry_up(self) -> None:
        if self._hurry.empty():
            self._hurry.put(None)

    def _run(self) -> None:
        while not (self._closing and self._lines.empty()):
            first = self._lines.get()
            self._wait_for_more()
            with self._writing:
                self._write(first)

    def _wait_for_more(self) -> None:
        try:
            self._hurry.get(timeout=self._linger)
        except Empty:
            return

    def _write_waiting(self) -> None:
        with self._writing:
            try:
                self._write(self._lines.get_nowait())
            except Empty:
                return

    def _write(self, first: bytes | threading.Event) -> None:
        bunch: list[bytes] = []
        size = 0
        item: bytes | threading.Event | None = first
        while item is not None:
            if not isinstance(item, bytes):
                self._let_out(bunch)
                bunch, size = [], 0
                item.set()
            else:
                if size + len(item) > BUNCH_BYTES:
                    self._let_out(bunch)
                    bunch, size = [], 0
                bunch.append(item)
                size += len(item)
            item = self._next()
        self._let_out(bunch)

    def _next(self) -> bytes | threading.Event | None:
        try:
            return self._lines.get_nowait()
        except Empty:
            return None

    def _let_out(self, bunch: list[bytes]) -> None:
        if not bunch:
            return
        # There is room as soon as lines have left the queue, however
        # long it takes to write them.
        with self._room:
            self._room.notify_all()
        written = self._outlet.write(b"".join(bunch))
        with self._room:
            self._stuck = False
            lost, self._lost = (self._lost, 0) if written else (0, self._lost + len(bunch))
        if lost:
            self._lines.put(self._encoded(_lost_lines(lost)))


def _unwritable(record: logging.LogRecord, error: Exception) -> Line:
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
    message = "Nobody took these lines from stderr; look at what reads it."
    return Line("angarium.logs", logging.ERROR, "log_lines_lost", message, {"lines": lost})
