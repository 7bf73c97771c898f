"""Waiting for what another thread or process does."""

import threading
import time
from collections.abc import Callable

PATIENCE_S = 30.0


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until a condition holds; fail when it does not within half a
    minute.
    """
    ends_at = time.monotonic() + PATIENCE_S
    never = threading.Event()
    while not condition():
        assert time.monotonic() < ends_at, f"waited in vain: {what}"
        never.wait(0.01)
