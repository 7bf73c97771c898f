"""Whether a page costs the same however long its conversation is, and
how many one process reads.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
READERS = 16
"""Each a user of its own, in a conversation of its own: a user has four
pages read at a time (docs/adr/0007).
"""

WARM_UP_S = 2.0

PAGES = Column("pages/s", ",.0f")


def run(stage: Stage) -> Iterator[Table]:
    """Read the newest page of ever longer conversations, then of many
    at once.
    """
    settings = stage.engines.prepare("reading")
    lengths = QUICK_LENGTHS if stage.effort.quick else LENGTHS
    # One for each sender.
    crowd = list({talk.token: talk for talk in stage.people.talks}.values())[:READERS]
    talks = [crowd[0], *(talk for talk in stage.people.talks if talk not in crowd)]
    talks = talks[: len(lengths)]
    with ExitStack() as starting:
        servers = [
            starting.enter_context(contenders.api(stage.folder(), settings)),
            starting.enter_context(contenders.read_peer(stage.folder(), settings)),
        ]
        contenders.introduce(servers[0], stage.people)
        for talk, length in zip(talks, lengths, strict=True):
            stage.say(f"writing {length:,} messages")
            fill(settings, crowd if talk is crowd[0] else [talk], length)
        shortest = str(talks[0].conversation_id)
        driver = starting.enter_context(
            library("bare_pages", {**settings, "BENCH_CONVERSATION": shortest})
        )
        driver(WARM_UP_S)
        for server in servers:
            for chosen in (*([talk] for talk in talks), crowd):
                _ask(stage, server, chosen, WARM_UP_S)
        seconds = stage.effort.seconds
        alone: dict[str, Callable[[], Figures]] = {
            f"{server.name}, {length:,} messages": partial(_ask, stage, server, [talk], seconds)
            for talk, length in zip(talks, lengths, strict=True)
            for server in servers
        }
        yield _compare(stage, "one reader", alone)
        together: dict[str, Callable[[], Figures]] = {
            server.name: partial(_ask, stage, server, crowd, seconds) for server in servers
        }
        together[LIBRARIES["bare_pages"]] = partial(_alone, driver, seconds)
        yield _compare(stage, f"{READERS} readers", together)


def _compare(stage: Stage, title: str, asks: Mapping[str, Callable[[], Figures]]) -> Table:
    table = Table(f"Read a page of {PAGE}, {title}", (PAGES, P50, P95, P99, CPU))
    return interleave(table, stage.effort.turns, asks, stage.say)


def _ask(stage: Stage, server: Server, talks: Sequence[Talk], seconds: float) -> Figures:
    """Read the pages of some conversations, as many at a time."""
    pages = replace(stage.people, talks=talks).pages(server.host, PAGE)
    with Load([server.address], pages, len(talks), hoped="200") as load:
        cpu = server.cpu_seconds()
        outcome = load.flat_out(seconds)
        spent = server.cpu_seconds() - cpu
    if outcome.refused:
        raise RuntimeError(f"{server.name} refused {outcome.refused} pages")
    return {**outcome.figures(spent), PAGES.name: len(outcome.latencies) / outcome.seconds}


def _alone(driver: Callable[[float], Figures], seconds: float) -> Figures:
    found = driver(seconds)
    return {PAGES.name: found[RATE.name], CPU.name: found[CPU.name]}
