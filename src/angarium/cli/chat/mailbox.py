"""The main loop of a chat, and what wakes it: threads and signals."""

import os
import queue
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from angarium.cli.chat.chat_session import ChatSession
from angarium.cli.chat.events import (
    Connected,
    Event,
    LineAccepted,
    LoggedIn,
    LoginNeeded,
)
from angarium.cli.chat.inputs import Input


class RepeatingThread:
    """Repeats a step until it is stopped."""

    def __init__(
        self,
        name: str,
        step: Callable[[], float],
        failed: Callable[[Exception], None],
        finish: Callable[[], None],
        min_interval_s: float = 0.0,
    ) -> None:
        """Prepare the thread.

        Args:
            name: The thread's.
            step: Returns the seconds until the next one.
            failed: Called when a step raised; no step follows.
            finish: Called last.
            min_interval_s: Seconds between two steps at least, even
                after `nudge`.
        """
        self._step = step
        self._failed = failed
        self._finish = finish
        self._min_interval_s = min_interval_s
        self._news = threading.Event()
        self._stopping = threading.Event()
        # A request that hangs must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def nudge(self) -> None:
        """Have the next step now; used by any thread."""
        self._news.set()

    def stop(self) -> None:
        """Have no next step."""
        self._stopping.set()
        self._news.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end.

        Args:
            timeout_s: Seconds at most.
        """
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        """Step, wait, and repeat until `stop`."""
        try:
            while not self._stopping.is_set():
                wait = self._step()
                if self._stopping.wait(self._min_interval_s):
                    return
                self._news.wait(max(0.0, wait - self._min_interval_s))
                self._news.clear()
        except Exception as error:  # noqa: BLE001 - reported by the main thread
            self._failed(error)
        finally:
            self._finish()


ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DRAWING = (signal.SIGWINCH, signal.SIGCONT)
HANGS_AFTER_S = 1.0
"""A program that has not ended so long after a signal hangs, in a write
to a pipe or a terminal that nobody reads. The next signal ends it. One
that comes sooner is a second press of the same keys.
"""


class Signals:
    """What was signalled since the last look.

    Attributes:
        ended_by: The signal that asks to end, None before.
        redraw: Whether the terminal must be drawn again.
        suspend: Whether Ctrl-Z was pressed.
    """

    def __init__(self, restore: Callable[[], None] = lambda: None) -> None:
        """Begin with no signal received.

        Args:
            restore: Called before the process ends in the middle of
                something: it must not wait.
        """
        self._restore = restore
        self._ended_at = 0.0
        self.ended_by: int | None = None
        self.redraw = False
        self.suspend = False

    @contextmanager
    def catch(self, wake: Callable[[], None], terminal: bool) -> Iterator[None]:
        """Record signals instead of acting on them.

        Outside of the main thread nothing changes: Python handles
        signals in the main thread only.

        Args:
            wake: Wakes the main thread.
            terminal: Whether there is one to draw on.

        Yields:
            Nothing.
        """

        def note(number: int, _: FrameType | None) -> None:
            """Record a signal and wake the main thread."""
            if number in ENDING:
                self._end(number)
            elif number == signal.SIGTSTP:
                self.suspend = True
            else:
                self.redraw = True
            wake()

        numbers = [*ENDING, *DRAWING, signal.SIGTSTP] if terminal else [*ENDING]
        if threading.current_thread() is not threading.main_thread():
            numbers.clear()
        before = {number: signal.signal(number, note) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int) -> None:
        """Ask to end; end at once if that was asked for in vain."""
        now = time.monotonic()
        if self.ended_by is None:
            self.ended_by, self._ended_at = number, now
        elif now - self._ended_at >= HANGS_AFTER_S:
            self._restore()
            os._exit(128 + number)


def stop_this_process() -> None:
    """Suspend as Ctrl-Z does; return when the process continues."""
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, handler)


MAX_EVENTS = 1_000
"""Events that wait for the main thread; then `post` blocks."""

_RETRY_S = 0.5


class WakeupPipe:
    """Makes a `select` return."""

    def __init__(self) -> None:
        """Open a pipe that never blocks, at either end."""
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        os.set_blocking(self._writing, False)
        # A signal's handler can run while another's rings.
        self._lock = threading.RLock()
        self._closed = False

    def fileno(self) -> int:
        """Return what `select` watches.

        Returns:
            The descriptor.
        """
        return self._reading

    def wake(self) -> None:
        """Wake the waiting thread.

        Called by the other threads and by signal handlers.
        """
        with self._lock:
            if self._closed:
                return
            try:
                os.write(self._writing, b"\0")
            except BlockingIOError:
                # Full: it rings already.
                return

    def drain(self) -> None:
        """Clear every wake-up so far."""
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

    def __init__(self, wakeup: WakeupPipe) -> None:
        """Start empty."""
        self._wakeup = wakeup
        self._events: queue.Queue[Event] = queue.Queue(MAX_EVENTS)
        self._closed = threading.Event()

    def post(self, event: Event) -> None:
        """Hand an event over, from any thread; wait while full.

        Args:
            event: What happened; dropped after `close`.
        """
        while not self._closed.is_set():
            try:
                self._events.put(event, timeout=_RETRY_S)
            except queue.Full:
                continue
            self._wakeup.wake()
            return

    def take(self) -> Iterator[Event]:
        """Read what is available and pass it on.

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


_ENDING_WAIT_S = 0.1
"""Seconds between two looks at whether it is over, once the input has
ended.
"""

_IDLE_WAIT_S = 1.0
"""Seconds between two looks at whether the server is silent."""


class Loop:
    """Waits for input, events and signals, whichever comes first."""

    def __init__(
        self,
        chat: ChatSession,
        source: Input,
        descriptor: int,
        wakeup: WakeupPipe,
        mailbox: Mailbox,
        sending: RepeatingThread,
        polling: RepeatingThread,
        on_connected: Callable[[Connected], None],
        find_silence: Callable[[], Event | None],
    ) -> None:
        """Bring the session, its input and its threads together."""
        self._chat = chat
        self._source = source
        self._descriptor = descriptor
        self._wakeup = wakeup
        self._mailbox = mailbox
        self._sending = sending
        self._polling = polling
        self._on_connected = on_connected
        self._find_silence = find_silence

    def run(self, signals: Signals, on_signal: Callable[[], None]) -> None:
        """Run until the chat is over or a signal asks to end.

        Args:
            signals: What was signalled.
            on_signal: Draws or suspends, where that was asked for.
        """
        while signals.ended_by is None and not self._chat.is_over():
            watched: list[WakeupPipe | int] = [self._wakeup]
            if self._chat.reads_input:
                watched.append(self._descriptor)
            wait = _ENDING_WAIT_S if self._chat.has_ended else _IDLE_WAIT_S
            ready, _, _ = select.select(watched, [], [], wait)
            if self._descriptor in ready:
                self._source.read(self._chat)
                self._sending.nudge()
            if signals.redraw or signals.suspend:
                # After the keys: those typed before Ctrl-Z belong to
                # the chat, not to the shell.
                on_signal()
            if self._wakeup in ready:
                self._wakeup.drain()
                for event in self._mailbox.take():
                    self._handle(event)
            silence = self._find_silence()
            if silence is not None:
                self._handle(silence)

    def _handle(self, event: Event) -> None:
        """Handle an event, and what it means for input and threads."""
        if isinstance(event, Connected | LoginNeeded):
            # What was typed until now was typed for somebody else: for
            # the shell, or for the line that a question replaces.
            self._source.discard()
        self._chat.handle(event)
        match event:
            case Connected():
                self._on_connected(event)
                self._sending.start()
                self._polling.start()
            case LineAccepted():
                self._polling.nudge()
            case LoggedIn():
                self._sending.nudge()
                self._polling.nudge()
            case _:
                return
