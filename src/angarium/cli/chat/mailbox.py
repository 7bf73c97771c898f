"""How the other threads, and signals, wake the main one."""

import os
import queue
import select
import threading
from collections.abc import Callable, Iterator

from angarium.cli.chat.chat_session import ChatSession
from angarium.cli.chat.events import Accepted, Event
from angarium.cli.chat.inputs import Input
from angarium.cli.chat.repeating_thread import RepeatingThread
from angarium.cli.chat.signals import Signals

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
        """Wake the waiting thread; used by the other threads, and by
        signal handlers while it is open.
        """
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
        """Hand an event over; waits while the queue is full; used by
        any thread.

        Args:
            event: What happened; dropped once nobody will read it any
                more.
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


_MAX_SLEEP_SECONDS = 0.1
"""Seconds between two looks at whether it is over, once the input has
ended.
"""

_AT_REST = 5.0


class Loop:
    """Waits for input, events and signals, whichever comes first."""

    def __init__(
        self,
        talk: ChatSession,
        source: Input,
        descriptor: int,
        alarm: WakeupPipe,
        mailbox: Mailbox,
        sending: RepeatingThread,
        polling: RepeatingThread,
    ) -> None:
        self._talk = talk
        self._source = source
        self._descriptor = descriptor
        self._alarm = alarm
        self._mailbox = mailbox
        self._sending = sending
        self._polling = polling

    def run(self, signals: Signals, on_signal: Callable[[], None]) -> None:
        """Go on until the talk is over or a signal asks to end.

        Args:
            signals: What was signalled.
            on_signal: Draws or suspends, where that was asked for.
        """
        while signals.ended_by is None and not self._talk.is_over():
            watched: list[WakeupPipe | int] = [self._alarm]
            if self._talk.takes_lines:
                watched.append(self._descriptor)
            wait = _MAX_SLEEP_SECONDS if self._talk.has_ended else _AT_REST
            ready, _, _ = select.select(watched, [], [], wait)
            if self._descriptor in ready:
                self._source.read(self._talk)
                self._sending.nudge()
            if signals.redraw or signals.suspend:
                # After the keys: those typed before Ctrl-Z belong to
                # the chat, not to the shell.
                on_signal()
            if self._alarm in ready:
                self._alarm.silence()
                for event in self._mailbox.take():
                    self._handle(event)

    def _handle(self, event: Event) -> None:
        self._talk.handle(event)
        if isinstance(event, Accepted):
            self._polling.nudge()
