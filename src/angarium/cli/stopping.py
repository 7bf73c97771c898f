"""Stopping by a signal: the first one finishes what is in hand, a second one ends at once."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 10.0
"""How long a stop may take to finish what is in hand."""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_signal(stop: Callable[[], object]) -> Iterator[None]:
    """Take SIGTERM and SIGINT for as long as the block lasts.

    Args:
        stop: Called once, by the first of them, inside a signal handler.

    Yields:
        Nothing.
    """

    def first(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, end_at_once)
        stop()

    def end_at_once(number: int, _frame: FrameType | None) -> None:
        os._exit(128 + number)

    before = {number: signal.signal(number, first) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
