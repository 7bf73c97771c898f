"""The embedded engine, and the server alone."""

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from bench import contenders
from bench.load import Load, Outcome
from bench.parts.accept import PACED_CONNECTIONS, RATES, WARM_UP_S, Ask
from bench.servers import Server
from bench.stage import Stage
from bench.table import ANSWERS, Column, Figures, Table, interleave

STORED = Column("stored/s", ",.0f")
STORED_S = 120.0

Start = Callable[[Path], AbstractContextManager[Server]]


def run(stage: Stage) -> Iterator[Table]:
    """Measure the server alone, then both with a durable log."""
    people, seconds = stage.people, stage.effort.seconds
    alone: list[Start] = [
        lambda folder: contenders.instant(folder, people),
        lambda folder: contenders.sqlite_peer(folder, people, durable=False),
    ]
    durable: list[Start] = [
        lambda folder: contenders.embedded(folder, people),
        lambda folder: contenders.sqlite_peer(folder, people, durable=True),
    ]
    flat_out: Ask = partial(Load.flat_out, seconds=seconds)
    yield _compare(stage, "Server alone, flat out, 64 connections", alone, flat_out)
    yield _compare(stage, "Embedded engine, flat out, 64 connections", durable, flat_out)
    for rate in RATES:
        paced: Ask = partial(Load.paced, seconds=seconds, per_second=rate)
        yield _compare(stage, f"Embedded engine, paced at {rate:,}/s", durable, paced)


def _compare(stage: Stage, title: str, starts: list[Start], run_load: Ask) -> Table:
    with contextlib.ExitStack() as starting:
        servers = [starting.enter_context(start(stage.folder())) for start in starts]
        asks = {server.name: partial(_ask, stage, server, run_load) for server in servers}
        for server in servers:
            _ask(stage, server, lambda load: load.flat_out(WARM_UP_S))
        return interleave(Table(title, (*ANSWERS, STORED)), stage.effort.turns, asks, stage.say)


def _ask(stage: Stage, server: Server, run_load: Callable[[Load], Outcome]) -> Figures:
    database = server.output.parent / "data" / "angarium.db"
    before = _stored(database) if database.exists() else 0
    with Load([server.address], stage.people.sends(server.host), PACED_CONNECTIONS) as load:
        cpu = server.cpu_seconds()
        start = time.perf_counter()
        outcome = run_load(load)
    if not database.exists():
        return outcome.figures(server.cpu_seconds() - cpu)
    accepted = len(outcome.latencies)
    stored = {STORED.name: accepted / (_await_stored(database, before + accepted) - start)}
    return {**outcome.figures(server.cpu_seconds() - cpu), **stored}


def _stored(database: Path) -> int:
    with contextlib.closing(
        sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)
    ) as connection:
        (count,) = connection.execute("SELECT count(*) FROM messages").fetchone()
    return int(count)


def _await_stored(database: Path, goal: int) -> float:
    give_up = time.monotonic() + STORED_S
    while _stored(database) < goal:
        if time.monotonic() > give_up:
            raise RuntimeError(f"not all of {goal} messages were stored within {STORED_S:.0f} s")
        time.sleep(0.05)
    return time.perf_counter()
