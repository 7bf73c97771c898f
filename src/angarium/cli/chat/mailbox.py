"""How the other threads, and signals, wake the main one."""

import os
import queue
import threading
from collections.abc import Iterator

from angarium.cli.chat.events import Event

MAX_EVENTS = 1_000
_LOOK_AGAIN = 0.5


class WakeupPipe:
    """Makes a `select` return."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)
        # A signal's handler can run while another's rings.
        self._lock = threading.RLock()
        self._closed = False

    def fileno(self) -> int:
        """Give what `select` watches.

        Returns:
            The descriptor.
        """
        return self._reading

    def ring(self) -> None:
        """Wake the waiting thread; used by the other threads, and by signal handlers while it is open."""
        with self._lock:
            if self._closed:
                return
            try:
                os.write(self._writing, b"\0")
            except BlockingIOError:
                # Full: it rings already.
                return

    def silence(self) -> None:
        """Take note of all ringing so far."""
        try:
            while os.read(self._reading, 4096):
                pass
        except BlockingIOError:
            return

    def close(self) -> None:
        """Let go of the descriptors; what rings later is not heard."""
        with self._lock:
            self._closed = True
        os.close(self._reading)
        os.close(self._writing)


class Mailbox:
    """A bounded queue of events for the main thread."""

    def __init__(self, alarm: WakeupPipe) -> None:
        self._alarm = alarm
        self._events: queue.Queue[Event] = queue.Queue(MAX_EVENTS)
        self._closed = threading.Event()

    def post(self, event: Event) -> None:
        """Hand an event over; waits while the queue is full; used by any thread.

        Args:
            event: What happened; dropped once nobody will read it any more.
        """
        while not self._closed.is_set():
            try:
                self._events.put(event, timeout=_LOOK_AGAIN)
            except queue.Full:
                continue
            self._alarm.ring()
            return

    def take(self) -> Iterator[Event]:
        """Take what is there.

        Yields:
            The events, oldest first.
        """
        while True:
            try:
                yield self._events.get_nowait()
            except queue.Empty:
                return

    def close(self) -> None:
        """Stop taking events."""
        self._closed.set()
