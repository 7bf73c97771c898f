"""The process: memory, garbage collector, signals, first line."""

import ctypes
import gc
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from angarium import logs
from angarium.cli.console import drop_unwritten

YOUNG = 20_000
"""New objects since the last collection that start the next one.

Python's default of 700 is reached all the time by requests in progress,
and such a collection finds nothing: reference counts free what requests
leave, and only cycles, which are rare here, need the collector
(docs/adr/0022-cost-of-a-send.md).
"""

GENERATIONS = 20
"""Collections of one generation that start one of the next older."""


LARGE_BYTES = 32 * 1024
"""A larger allocation gets pages of its own.

They go back to the system as soon as they are freed. Bodies and
records of the largest messages are that large, usual ones are not.
What each request needs must not be: new pages cost 0.01 ms
(docs/adr/0022-cost-of-a-send.md).
glibc starts at 128 KiB and adapts: after the first password hash, which
takes 16 MiB, it served everything smaller from its heaps, which kept
50 MB unused (mallopt(3)).
"""

ARENAS = 2
"""Heaps of glibc's. Its own choice is eight for each core, each with
its own gaps; Python's threads take turns and need no more.
"""

_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
"""From glibc's malloc.h."""


def return_free_memory() -> None:
    """Make glibc return freed memory to the system.

    Call it before any thread starts.

    Where the library is not glibc it does nothing: others have other
    habits and no `mallopt` (docs/adr/0007-bounds-and-overload.md).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return
    mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
    mallopt(_M_ARENA_MAX, ARENAS)


def tune_garbage_collector() -> None:
    """Exempt what the start made, and collect less often.

    Modules and connections stay until the process ends, and each full
    collection would look at all of them
    (docs/adr/0022-cost-of-a-send.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, GENERATIONS, GENERATIONS)


GRACE_S = 10.0
"""Maximum seconds that a stop waits for work in progress.

`docker-compose.yml` waits for 15 s before it kills a container.
"""

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def on_signal(stop: Callable[[], object]) -> Iterator[None]:
    """Handle SIGTERM and SIGINT during the block.

    Args:
        stop: Called once, by the first of them, inside a signal
            handler.

    Yields:
        Nothing.
    """

    def first(_number: int, _frame: FrameType | None) -> None:
        """Stop in order; let the next signal end the process."""
        for number in _SIGNALS:
            signal.signal(number, end_at_once)
        stop()

    def end_at_once(number: int, _frame: FrameType | None) -> None:
        """Exit without waiting: the person asked twice."""
        os._exit(128 + number)

    before = {number: signal.signal(number, first) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_log = logs.get("angarium.cli")


def greet(out: TextIO, text: str) -> None:
    """Print where a service listens; go on if stdout is closed.

    Args:
        out: The process's stdout.
        text: Whole lines.
    """
    try:
        out.write(text)
        out.flush()
    except OSError as error:
        _log.warning(
            "greeting_unwritten",
            f"stdout cannot be written: {error.strerror}; going on without it",
            error_type=type(error).__name__,
        )
        drop_unwritten(out)
