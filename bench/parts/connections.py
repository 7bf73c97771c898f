"""Many connections at once, and what an idle one costs."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

from bench import contenders
from bench.contenders import Running
from bench.crowd import crowd, most_connections
from bench.load import percentiles
from bench.parts.idle_day import idle_day
from bench.servers import Server
from bench.stage import Stage
from bench.table import P50, P99, Column, Figures, Table, interleave

CROWDS = (1_000, 4_000)

WORST = Column("worst ms")
MEMORY = Column("KiB of an idle connection")

Start = Callable[[], Running]


def run(stage: Stage) -> Iterator[Table]:
    """Let crowds in, one server after the other, then let a day
    pass.
    """
    starts: list[Start] = [
        lambda: contenders.instant(stage.folder(), stage.people),
        lambda: contenders.sqlite_peer(stage.folder(), stage.people, durable=False),
    ]
    crowds = [count for count in CROWDS if count <= most_connections()]
    with contextlib.ExitStack() as starting:
        servers = [starting.enter_context(start()) for start in starts]
        names = [server.name for server in servers]
        for count in crowds:
            asks: dict[str, Callable[[], Figures]] = {
                server.name: partial(_let_in, server, count) for server in servers
            }
            table = Table(
                f"{count:,} connections at once, time to the first answer", (P50, P99, WORST)
            )
            yield interleave(table, stage.effort.turns, asks, stage.say)
    idle: dict[str, Callable[[], Figures]] = {
        name: partial(_keep, start, crowds[-1]) for name, start in zip(names, starts, strict=True)
    }
    table = Table(f"Memory with {crowds[-1]:,} idle connections in a fresh process", (MEMORY,))
    yield interleave(table, stage.effort.turns, idle, stage.say)
    yield idle_day(stage)


def _let_in(server: Server, count: int) -> Figures:
    with crowd(server.address, count) as seconds:
        pass
    return {**percentiles(seconds), WORST.name: max(seconds) * 1000}


def _keep(start: Start, count: int) -> Figures:
    with start() as server:
        before = server.memory_bytes()
        with crowd(server.address, count):
            return {MEMORY.name: (server.memory_bytes() - before) / 1024 / count}
