"""Waiting for what another thread or process does in its own time."""

import threading
import time
from collections.abc import Callable

PATIENCE_S = 30.0
_PAUSE = 0.005


def until(condition: Callable[[], object], what: str) -> None:
    """Ask again and again until the answer is yes."""
    give_up_at = time.monotonic() + PATIENCE_S
    never = threading.Event()
    while not condition():
        assert time.monotonic() < give_up_at, f"{what} did not happen within {PATIENCE_S:g} s"
        never.wait(_PAUSE)
