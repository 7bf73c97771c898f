"""How fast one worker drains a backlog, what that costs, and how soon a
message is stored.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial

import psutil

from bench import contenders
from bench.backlog import Appender, events
from bench.contenders import Settings
from bench.load import percentiles
from bench.servers import Server, cpu_seconds
from bench.stage import Stage
from bench.stored import Stored
from bench.table import CPU, P50, P95, P99, RATE, Column, Figures, Table, interleave

BACKLOG = 10_000
PLAIN_BACKLOG = 1_000
"""Of the plain pipeline, which would take half a minute for the
whole.
"""
SPREADS = (10, 200, 10_000)
PACED_OVER = 200
PACES = (100, 1_000)
WARM_UP = (10, 200, 10, 200)
"""Over so many conversations a whole backlog each: what Cassandra does
seldom takes long to be compiled.
"""

CLIMB = (50, 100, 200, 400, 800, 1_600)
"""Messages a second; between the last one that was kept and the next
one it is halved HALVINGS times, down to an eighth of the step.
"""

HALVINGS = 3
LIMIT_MS = 500
"""NFR-002: so soon a message is stored, at the 95th percentile."""

HIGHEST_TITLE = f"Worker, the highest pace at which 95 % are stored within {LIMIT_MS} ms"
HIGHEST = Column("messages/s", ",.0f")
CASSANDRA_CPU = Column("Cassandra's CPU-s per 1,000", ".3f")
DRAINED = Column("drained msg/s", RATE.form)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A worker and the topic that it alone reads."""

    server: Server
    appender: Appender
    backlog: int
    nodes: Sequence[psutil.Process]


def run(stage: Stage) -> Iterator[Table]:
    """Measure everybody on backlogs of different spreads, then at
    different paces.
    """
    with ExitStack() as starting:
        pipelines = list(_start(stage, starting))
        warm_up(pipelines)
        for conversations in SPREADS:
            title = f"Worker, backlog over {conversations:,} conversations"
            yield compare(stage, title, pipelines, conversations)
        for pace in PACES:
            shown = (P95, P50, P99, CPU, CASSANDRA_CPU)
            table = Table(f"Worker, from append to stored at {pace:,}/s", shown)
            yield interleave(table, stage.effort.turns, _paced(stage, pipelines, pace), stage.say)
        yield interleave(
            Table(HIGHEST_TITLE, (HIGHEST, P95)),
            stage.effort.turns,
            {each.server.name: partial(_climb, stage, each) for each in pipelines},
            stage.say,
        )


def _start(stage: Stage, starting: ExitStack) -> Iterator[Pipeline]:
    for name in ("ours", *contenders.WORKER_PEERS):
        settings = stage.engines.prepare(f"worker_{name}")
        if name in contenders.WORKER_PEERS:
            running = contenders.worker_peer(name, stage.folder(), settings)
        else:
            running = contenders.worker(stage.folder(), settings)
        backlog = PLAIN_BACKLOG if name == "one_at_a_time" else BACKLOG
        yield pipeline(stage, starting.enter_context(running), settings, backlog)


def pipeline(stage: Stage, server: Server, settings: Settings, backlog: int = BACKLOG) -> Pipeline:
    """Lay what is to be drained for a worker that runs."""
    appender = Appender(stage.engines.kafka, settings["ANGARIUM_TOPIC"])
    return Pipeline(server, appender, backlog, stage.engines.nodes)


def warm_up(pipelines: Sequence[Pipeline]) -> None:
    """Let everybody drain until what Cassandra does is compiled."""
    for each in pipelines:
        for conversations in WARM_UP:
            _drain(each, each.backlog, conversations)


def compare(
    stage: Stage,
    title: str,
    pipelines: Sequence[Pipeline],
    conversations: int,
    most: int = BACKLOG,
) -> Table:
    """Let everybody drain a backlog over so many conversations in turn,
    a small one if that is enough.
    """
    asks = {
        each.server.name: partial(_drain, each, min(each.backlog, most), conversations)
        for each in pipelines
    }
    table = Table(title, (DRAINED, CPU, CASSANDRA_CPU))
    return interleave(table, stage.effort.turns, asks, stage.say)


def _drain(pipeline: Pipeline, count: int, conversations: int) -> Figures:
    """Append while the worker is frozen, for less than its session
    lasts, and let it go.
    """
    server = pipeline.server
    server.process.suspend()
    try:
        with closing(Stored(server)) as stored:
            pipeline.appender.append(events(count, min(count, conversations)))
            cpu, nodes = server.cpu_seconds(), cpu_seconds(*pipeline.nodes)
            start = time.perf_counter()
            server.process.resume()
            seconds = stored.await_count(count) - start
    finally:
        server.process.resume()
    return {
        DRAINED.name: count / seconds,
        CPU.name: (server.cpu_seconds() - cpu) * 1000 / count,
        CASSANDRA_CPU.name: (cpu_seconds(*pipeline.nodes) - nodes) * 1000 / count,
    }


def _paced(stage: Stage, pipelines: list[Pipeline], pace: int) -> dict[str, Callable[[], Figures]]:
    count = round(pace * stage.effort.seconds * 2)
    return {
        each.server.name: partial(_follow, each, count, pace)
        for each in pipelines
        if _keeps_up(each, pace)
    }


def _keeps_up(pipeline: Pipeline, pace: int) -> bool:
    return pace < PACES[-1] or pipeline.backlog == BACKLOG


def _climb(stage: Stage, pipeline: Pipeline) -> Figures:
    """Raise the pace until the 95th percentile is too late, and look
    for the highest one below.
    """
    found: dict[str, float] = {HIGHEST.name: 0}

    def keeps(pace: int) -> bool:
        """Try a pace, a second time if it was too fast once."""
        for _ in range(2):
            p95 = _follow(pipeline, round(pace * stage.effort.seconds * 2), pace)[P95.name]
            if p95 < LIMIT_MS:
                found.update({HIGHEST.name: pace, P95.name: p95})
                return True
        return False

    kept, missed = 0, 2 * CLIMB[-1]
    for pace in CLIMB:
        if not keeps(pace):
            missed = pace
            break
        kept = pace
    for _ in range(HALVINGS):
        pace = (kept + missed) // 2
        if keeps(pace):
            kept = pace
        else:
            missed = pace
    return found


def _follow(pipeline: Pipeline, count: int, pace: int) -> Figures:
    server = pipeline.server
    cpu, nodes = server.cpu_seconds(), cpu_seconds(*pipeline.nodes)
    with closing(Stored(server)) as stored:
        pipeline.appender.paced(events(count, PACED_OVER), pace)
        stored.await_count(count)
    seconds = [milliseconds / 1000 for milliseconds in stored.milliseconds]
    return {
        **percentiles(seconds),
        CPU.name: (server.cpu_seconds() - cpu) * 1000 / count,
        CASSANDRA_CPU.name: (cpu_seconds(*pipeline.nodes) - nodes) * 1000 / count,
    }
