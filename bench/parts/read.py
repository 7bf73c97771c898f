"""Whether a page costs the same however long its conversation is."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from bench import contenders
from bench.archive import fill
from bench.library import LIBRARIES, library
from bench.load import Load
from bench.population import Talk
from bench.servers import Server
from bench.stage import Stage
from bench.table import CPU, P50, P95, P99, RATE, Column, Figures, Table, interleave

LENGTHS = (1_000, 100_000, 1_000_000)
QUICK_LENGTHS = LENGTHS[:2]
PAGE = 50
CONNECTIONS = 16
WARM_UP_SECONDS = 2.0

PAGES = Column("pages/s", ",.0f")


def run(stage: Stage) -> Iterator[Table]:
    """Read the newest page of ever longer conversations."""
    settings = stage.engines.prepare("reading")
    lengths = QUICK_LENGTHS if stage.effort.quick else LENGTHS
    talks = stage.people.talks[: len(lengths)]
    with ExitStack() as starting:
        servers = [
            starting.enter_context(contenders.api(stage.folder(), settings)),
            starting.enter_context(contenders.read_peer(stage.folder(), settings)),
        ]
        contenders.introduce(servers[0], stage.people)
        for talk, length in zip(talks, lengths, strict=True):
            stage.say(f"writing {length:,} messages")
            fill(settings, talk, length)
        shortest = str(talks[0].conversation_id)
        driver = starting.enter_context(
            library("bare_pages", {**settings, "BENCH_CONVERSATION": shortest})
        )
        driver(WARM_UP_SECONDS)
        for server in servers:
            for talk in talks:
                _ask(stage, server, talk, 1, WARM_UP_SECONDS)
        for title, connections in (("one reader", 1), (f"{CONNECTIONS} readers", CONNECTIONS)):
            asks: dict[str, Callable[[], Figures]] = {
                f"{server.name}, {length:,} messages": partial(
                    _ask, stage, server, talk, connections, stage.effort.seconds
                )
                for talk, length in zip(talks, lengths, strict=True)
                for server in servers
            }
            if connections == CONNECTIONS:
                asks[LIBRARIES["bare_pages"]] = partial(_alone, driver, stage.effort.seconds)
            table = Table(f"Read a page of {PAGE}, {title}", (PAGES, P50, P95, P99, CPU))
            yield interleave(table, stage.effort.turns, asks, stage.say)


def _ask(stage: Stage, server: Server, talk: Talk, connections: int, seconds: float) -> Figures:
    alone = replace(stage.people, talks=[talk])
    with Load([server.address], alone.pages(server.host, PAGE), connections, hoped="200") as load:
        cpu = server.cpu_seconds()
        outcome = load.flat_out(seconds)
        spent = server.cpu_seconds() - cpu
    if outcome.refused:
        raise RuntimeError(f"{server.name} refused {outcome.refused} pages")
    return {**outcome.figures(spent), PAGES.name: len(outcome.latencies) / outcome.seconds}


def _alone(driver: Callable[[float], Figures], seconds: float) -> Figures:
    found = driver(seconds)
    return {PAGES.name: found[RATE.name], CPU.name: found[CPU.name]}
