"""How long a busy thread keeps the interpreter lock from the others.

A switch to another thread takes tens of microseconds, so they should be
few. But the event loop releases the lock at every system call, and gets
it back from a thread that makes pages when the interval is over. While
many pages are wanted it must not wait for long (docs/adr/0007).
"""

import sys

CROWD = 32
"""Jobs of the store that wait or run, from which on threads switch
sooner. One user who reads 200 pages at once does not delay others
either way; with 1,300 it decides (`CROWDED_SWITCH_S` of the engine).
"""


class SwitchInterval:
    """Shortens the interpreter's switch interval in a crowd."""

    def __init__(self, crowded_s: float) -> None:
        """Note what is set now, for as long as there is no crowd.

        Args:
            crowded_s: Seconds that a busy thread keeps the lock while
                there is one.
        """
        self._calm_s = sys.getswitchinterval()
        self._crowded_s = crowded_s

    def adjust(self, jobs: int) -> None:
        """Set the interval; called by any thread.

        Args:
            jobs: How many wait or run.
        """
        sys.setswitchinterval(self._crowded_s if jobs >= CROWD else self._calm_s)
