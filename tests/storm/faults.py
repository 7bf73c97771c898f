"""What is done to which container, when and for how long: drawn from a
seed, carried out with bounds.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from deploy.compose import Compose, ComposeError, Container, awaited

COMMAND_S = 60.0
SLOW_STARTERS = ("kafka", "cassandra")
"""Services whose start takes both processors of a small machine for up
to a minute. Killed as often as the others they would be starting all
the time, and nothing else would be tried."""
PAUSES_A_START = 4
"""How many times as often such a container is paused as killed, and as
restarted."""
RECOVERY_S = 300.0
"""A container that takes longer is a finding; Cassandra on a busy
machine takes a minute.
"""


class Kind(StrEnum):
    """What happens to a container."""

    KILL = "kill"
    PAUSE = "pause"
    RESTART = "restart"


@dataclass(frozen=True)
class Fault:
    """One fault.

    Attributes:
        at: Seconds after the storm's begin.
        service: Of the Compose file.
        number: Which of its containers.
        kind: What happens.
        seconds: How long it is dead or frozen; a restart takes the time
            that it takes.
    """

    at: float
    service: str
    number: int
    kind: Kind
    seconds: float

    @property
    def target(self) -> str:
        return f"{self.service}-{self.number}"


@dataclass(frozen=True)
class Outcome:
    """How a fault ended.

    Attributes:
        fault: Which.
        unwell: Seconds from its begin until the container was well
            again, None if it never was.
        error: What went wrong with the fault itself.
    """

    fault: Fault
    unwell: float | None
    error: str = ""


def planned(seed: int, targets: Sequence[tuple[str, int]], interval: float) -> Iterator[Fault]:
    """Draw faults without end; the same ones for the same seed, targets
    and interval.

    Args:
        seed: Of the storm.
        targets: Service and number of every container; each is as
            likely as any other. Those that start slowly are mostly
            paused.
        interval: Seconds between two faults on average.

    Yields:
        Faults in the order of their time.
    """
    chance = random.Random(seed)
    at = 0.0
    while True:
        at += interval * chance.uniform(0.5, 1.5)
        service, number = chance.choice(targets)
        (kind,) = chance.choices(list(Kind), _weights(service))
        yield Fault(round(at, 1), service, number, kind, round(chance.uniform(0.5, 6.0), 1))


def _weights(service: str) -> list[int]:
    """Return how likely each kind of fault is."""
    pauses = PAUSES_A_START if service.startswith(SLOW_STARTERS) else 1
    return [pauses if kind is Kind.PAUSE else 1 for kind in Kind]


class Tormentor:
    """Carries faults out, each in a thread of its own; whatever is down
    at the end is brought back.
    """

    def __init__(self, compose: Compose, tell: Callable[[str], None]) -> None:
        self._compose = compose
        self._tell = tell
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._threads: list[threading.Thread] = []
        self.outcomes: list[Outcome] = []
        self.skipped = 0

    def strike(self, fault: Fault) -> None:
        """Begin a fault, unless its container has not come back from
        the last one.
        """
        with self._lock:
            if fault.target in self._busy:
                self.skipped += 1
                self._tell(
                    f"{fault.kind} {fault.target}: skipped, it is not back from its last fault"
                )
                return
            self._busy.add(fault.target)
        thread = threading.Thread(target=self._run, args=(fault,), name=f"fault {fault.target}")
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]
        thread.start()

    def finish(self) -> None:
        """Wait until every fault that has begun has ended."""
        for thread in self._threads:
            thread.join(RECOVERY_S + 4 * COMMAND_S)

    def heal(self) -> None:
        """Bring every container back, however it was left."""
        for container in self._compose.containers():
            try:
                if container.status == "paused":
                    self._docker("unpause", container.id)
                elif container.status in {"exited", "created", "dead"} and not container.well:
                    self._docker("start", container.id)
            except ComposeError as error:
                self._tell(f"heal {container.name}: {error}")

    def _run(self, fault: Fault) -> None:
        began = time.monotonic()
        self._tell(f"{fault.kind} {fault.target} for {fault.seconds:g} s")
        unwell, error = None, ""
        try:
            container = self._find(fault)
            try:
                self._carry_out(fault, container)
            except ComposeError as failure:
                # The engine's failure and not the service's: it must be
                # well all the same.
                self._tell(f"{fault.kind} {fault.target} was not carried out: {failure}")
            if awaited(lambda: self._is_well(container), RECOVERY_S):
                unwell = time.monotonic() - began
                self._tell(f"{fault.target} is well, {unwell:.1f} s after its {fault.kind}")
            else:
                error = f"not well {RECOVERY_S:g} s after its {fault.kind}"
        except (ComposeError, StopIteration) as failure:
            error = str(failure) or f"{fault.target} is not there"
        if error:
            self._tell(f"{fault.target}: {error}")
        with self._lock:
            self.outcomes.append(Outcome(fault, unwell, error))
            self._busy.discard(fault.target)

    def _carry_out(self, fault: Fault, container: Container) -> None:
        if fault.kind is Kind.RESTART:
            self._docker("restart", "--time", "15", container.id)
            return
        begin, end = ("kill", "start") if fault.kind is Kind.KILL else ("pause", "unpause")
        try:
            self._docker(begin, container.id)
            time.sleep(fault.seconds)
        finally:
            self._docker(end, container.id)

    def _find(self, fault: Fault) -> Container:
        containers = self._compose.containers(fault.service)
        return next(each for each in containers if each.number == fault.number)

    def _is_well(self, container: Container) -> bool:
        try:
            health = "{{if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}"
            form = "{{.State.Status}} " + health
            return (
                self._docker("inspect", "--format", form, container.id).strip()
                == "running healthy"
            )
        except ComposeError:
            return False

    def _docker(self, *arguments: str) -> str:
        return self._compose.docker(*arguments, seconds=COMMAND_S)
