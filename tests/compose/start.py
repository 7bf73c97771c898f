"""One start of the whole stack, and what it may take."""

import os
from dataclasses import dataclass
from typing import Self

from tests.compose.stack import Stack

PROMISED_S = 60.0


@dataclass(frozen=True)
class Start:
    """How long it took from `up` until everything was healthy, and how
    busy the machine was before.
    """

    seconds: float
    load: float

    @classmethod
    def of(cls, stack: Stack) -> Self:
        load = os.getloadavg()[0]
        return cls(stack.up(), load)

    @property
    def kept(self) -> bool:
        """The promise is about a machine with nothing else to do;
        beside other work it is measured only.
        """
        quiet = self.load < (os.cpu_count() or 1) / 2
        return self.seconds < PROMISED_S or not quiet
