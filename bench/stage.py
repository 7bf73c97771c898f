"""Where the parts are played: how long, how often, and on which
servers.
"""

import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from bench.engines import Engines, engines
from bench.population import Population, population
from bench.servers import cpu_seconds

SETTLED_SHARE = 0.1
"""Of a core, for Kafka and Cassandra together: nothing of the part
before is compacted or compiled any more.
"""

SETTLE_S = 90.0
LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured.

    Attributes:
        turns: Of each contender.
        seconds: Length of a turn that has no other end.
        quick: Whether what takes minutes is left out.
    """

    turns: int = 3
    seconds: float = 3.0
    quick: bool = False


@dataclass
class Stage:
    """One run of the benchmarks; Kafka and Cassandra start when the
    first part needs them.

    Attributes:
        effort: How much is measured.
    """

    effort: Effort
    _ending: ExitStack = field(default_factory=ExitStack)
    _folders: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    @cached_property
    def people(self) -> Population:
        """Who talks."""
        return population()

    @cached_property
    def engines(self) -> Engines:
        """Kafka and Cassandra."""
        self.say("starting Kafka and Cassandra")
        return self._ending.enter_context(engines(self.folder(), self.people))

    @cached_property
    def _room(self) -> Path:
        return Path(
            self._ending.enter_context(tempfile.TemporaryDirectory(prefix="angarium-bench-"))
        )

    def folder(self) -> Path:
        """Make an empty folder that lasts as long as the run."""
        self._folders += 1
        made = self._room / str(self._folders)
        made.mkdir()
        return made

    def settle(self) -> None:
        """Wait until the servers are done with the part before."""
        if "engines" not in self.__dict__:
            return
        servers = (self.engines.broker, *self.engines.nodes)
        give_up = time.monotonic() + SETTLE_S
        share = 1.0
        while share > SETTLED_SHARE and time.monotonic() < give_up:
            before = cpu_seconds(*servers)
            time.sleep(LOOK_S)
            share = (cpu_seconds(*servers) - before) / LOOK_S
        self.say(f"Kafka and Cassandra use {share:.0%} of a core")

    def say(self, text: str) -> None:
        """Tell whoever waits how far it is."""
        print(text, file=sys.stderr, flush=True)
