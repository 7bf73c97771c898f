"""Working for a share of the time, beside a service."""

from collections.abc import Callable

SHARE = 0.1
"""Of one core: a service that needs all of it loses a tenth at most. A
backup may take its time (docs/performance.md).
"""


class DutyCycle:
    """Rests after each piece of work, in proportion to it."""

    def __init__(
        self, cpu_s: Callable[[], float], sleep: Callable[[float], None], share: float = SHARE
    ) -> None:
        """Begin to work.

        Args:
            cpu_s: Returns the CPU time that was used, in seconds.
            sleep: Waits, in seconds.
            share: The share of one core that is used, up to 1.
        """
        self._cpu_s = cpu_s
        self._sleep = sleep
        self._rest_per_work = 1 / share - 1
        self._rested_at = cpu_s()

    def rest(self) -> None:
        """Rest for what was worked since the last rest."""
        worked_s = self._cpu_s() - self._rested_at
        if self._rest_per_work > 0:
            self._sleep(worked_s * self._rest_per_work)
        self._rested_at = self._cpu_s()
