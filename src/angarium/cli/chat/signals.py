"""Signals as notes for the main thread, so that none interrupts it
half-way through a drawing.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DRAWING = (signal.SIGWINCH, signal.SIGCONT)


class Signals:
    """What was signalled since the last look.

    Attributes:
        ended_by: The signal that asks to end, None before.
        redraw: Whether the terminal must be drawn anew.
        suspend: Whether Ctrl-Z was pressed.
    """

    def __init__(self) -> None:
        self.ended_by: int | None = None
        self.redraw = False
        self.suspend = False

    @contextmanager
    def caught(self, ring: Callable[[], None], terminal: bool) -> Iterator[None]:
        """Note signals instead of what they do by themselves; outside
        of the main thread nothing changes.

        Args:
            ring: Wakes the main thread.
            terminal: Whether there is one to draw on.

        Yields:
            Nothing.
        """

        def note(number: int, _: FrameType | None) -> None:
            if number in ENDING:
                self.ended_by = number
            elif number == signal.SIGTSTP:
                self.suspend = True
            else:
                self.redraw = True
            ring()

        numbers = [*ENDING, *DRAWING, signal.SIGTSTP] if terminal else [*ENDING]
        if threading.current_thread() is not threading.main_thread():
            numbers.clear()
        before = {number: signal.signal(number, note) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def stop_this_process() -> None:
    """Do what Ctrl-Z does by itself; returns when the process is
    continued.
    """
    handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTSTP)
    signal.signal(signal.SIGTSTP, handler)
