"""What is asked of a contender in one turn."""

import contextlib
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.contenders import Contender
from bench.load import Load, Outcome
from bench.population import Population

STORED_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Turn:
    """Figures of one turn.

    Attributes:
        per_second: Accepted messages a second.
        p50: Milliseconds; half of the sends were accepted sooner.
        p95: Milliseconds.
        p99: Milliseconds.
        cpu_per_1000: CPU seconds of the server for 1,000 messages.
        refused: Answers other than 202.
        stored_per_second: Messages a second until the last one was readable, None where nothing is stored.
    """

    per_second: float
    p50: float
    p95: float
    p99: float
    cpu_per_1000: float
    refused: int
    stored_per_second: float | None = None


def introduce(contender: Contender, people: Population) -> None:
    """Create every conversation."""
    requests = people.opens(contender.host)
    load = Load(contender.address, requests, 1)
    outcome = load.paced(len(requests) / 2000, 2000)
    load.close()
    if outcome.refused != len(requests):  # creations are answered 201, which is no 202
        raise RuntimeError("not every conversation was created")


def flat_out(contender: Contender, people: Population, connections: int, seconds: float) -> Turn:
    """Send as fast as answers come."""
    return _turn(contender, people, connections, lambda load: load.flat_out(seconds))


def paced(contender: Contender, people: Population, connections: int, seconds: float, rate: float) -> Turn:
    """Send at a fixed pace."""
    return _turn(contender, people, connections, lambda load: load.paced(seconds, rate))


def _turn(contender: Contender, people: Population, connections: int, run: Callable[[Load], Outcome]) -> Turn:
    load = Load(contender.address, people.sends(contender.host), connections)
    database = contender.database
    before = stored(database) if database else 0
    cpu = contender.cpu_seconds()
    start = time.perf_counter()
    outcome = run(load)
    load.close()
    rate = None
    if database is not None:
        goal = before + len(outcome.latencies)
        rate = len(outcome.latencies) / (_await_stored(database, goal) - start)
    spent = contender.cpu_seconds() - cpu
    return Turn(
        outcome.per_second,
        outcome.percentile(0.5),
        outcome.percentile(0.95),
        outcome.percentile(0.99),
        spent * 1000 / max(1, len(outcome.latencies)),
        outcome.refused,
        rate,
    )


def stored(database: Path) -> int:
    """Count the messages that readers can see."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM messages").fetchone()
    return int(count)


def _await_stored(database: Path, goal: int) -> float:
    give_up = time.monotonic() + STORED_SECONDS
    while stored(database) < goal:
        if time.monotonic() > give_up:
            raise RuntimeError(f"not all of {goal} messages were stored within {STORED_SECONDS:.0f} s")
        time.sleep(0.05)
    return time.perf_counter()
