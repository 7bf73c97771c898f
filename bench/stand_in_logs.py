"""Logs that stand in for Kafka, to see what is left without it."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager

from angarium.clock import Clock
from angarium.config import Settings
from angarium.engines.kafka.adaptive_linger import LINGER_MS
from angarium.ports.message_log import Appended, MessageLog, NewRecord
from angarium.wiring.distributed import distributed_engine

END_S = 5.0


class InstantLog:
    """Acknowledges at once and keeps nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offsets = itertools.count()

    def append(self, record: NewRecord) -> "Future[Appended]":  # noqa: ARG002 - nothing is kept
        future: Future[Appended] = Future()
        self.acknowledge(future)
        return future

    def acknowledge(self, future: "Future[Appended]") -> None:
        """Give a record a place."""
        future.set_result(Appended(0, next(self._offsets), self._clock.now_ms()))

    def check(self) -> None:
        """Always there."""


class HandedLog(InstantLog):
    """Acknowledges on a thread of its own, what came within a linger
    together, as a client library does.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._waiting: deque[Future[Appended]] = deque()
        self._some = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="acknowledging")
        self._thread.start()

    def append(self, record: NewRecord) -> "Future[Appended]":  # noqa: ARG002 - nothing is kept
        future: Future[Appended] = Future()
        self._waiting.append(future)
        self._some.set()
        return future

    def close(self) -> None:
        """End the thread."""
        self._closing.set()
        self._some.set()
        self._thread.join(END_S)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._some.wait()
            self._closing.wait(LINGER_MS / 1000)
            self._some.clear()
            for _ in range(len(self._waiting)):
                self.acknowledge(self._waiting.popleft())


Opened = tuple[MessageLog, Callable[[], None] | None]
"""A log, and what it wants to be told when the server is idle."""


@contextmanager
def opened(name: str, settings: Settings, clock: Clock) -> Iterator[Opened]:
    """Open `instant`, `handed`, or `kafka` itself."""
    if name == "instant":
        yield InstantLog(clock), None
    elif name == "handed":
        with closing(HandedLog(clock)) as handed:
            yield handed, None
    elif name == "kafka":
        with distributed_engine(settings, clock, "angarium-1") as engine:
            yield engine.log, engine.idle_hint
    else:
        raise ValueError(f"no log is called {name!r}")
