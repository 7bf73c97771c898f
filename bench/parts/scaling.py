"""Whether twice the instances accept twice as much (NFR-004), each held
to the same share of a core.
"""

import contextlib
from collections.abc import Iterator
from functools import partial

from bench import contenders
from bench.load import Load
from bench.quota import limited
from bench.servers import Server
from bench.stage import Stage
from bench.table import CPU, RATE, Column, Figures, Table, interleave

SHARE = 0.2
MAX_COUNT = 3
CONNECTIONS_EACH = 32
WARM_UP_S = 2.0

EFFICIENCY = Column("t(n) / (n · t(1))", ".2f")


def run(stage: Stage) -> Iterator[Table]:
    """Measure one, two and three APIs in turns; those that are not
    asked stand idle.
    """
    settings = stage.engines.prepare("scaling")
    with contextlib.ExitStack() as starting:
        apis = [
            starting.enter_context(contenders.api(stage.folder(), settings))
            for _ in range(MAX_COUNT)
        ]
        contenders.introduce(apis[0], stage.people)
        for api in apis:
            _ask(stage, [api], WARM_UP_S)
        means = [starting.enter_context(limited(api.process.pid, SHARE)) for api in apis]
        asks = {
            f"{count} API{'s' if count > 1 else ''}": partial(
                _ask, stage, apis[:count], stage.effort.seconds * 2
            )
            for count in range(1, MAX_COUNT + 1)
        }
        share = f"each held to {SHARE:.0%} of a core"
        title = f"Accept with 1 to {MAX_COUNT} instances, {share} ({means[0]})"
        yield _related(
            interleave(Table(title, (RATE, EFFICIENCY, CPU)), stage.effort.turns, asks, stage.say)
        )


def _ask(stage: Stage, apis: list[Server], seconds: float) -> Figures:
    # The header names the first; nobody looks at it.
    requests = stage.people.sends(apis[0].host)
    with Load([api.address for api in apis], requests, CONNECTIONS_EACH * len(apis)) as load:
        cpu = _spent(apis)
        outcome = load.flat_out(seconds)
        return outcome.figures(_spent(apis) - cpu)


def _spent(apis: list[Server]) -> float:
    return sum(api.cpu_seconds() for api in apis)


def _related(table: Table) -> Table:
    related = Table(table.title, table.columns)
    alone = next(iter(table.turns.values()))
    for count, (name, turns) in enumerate(table.turns.items(), 1):
        for turn, one in zip(turns, alone, strict=True):
            if turn and one:
                efficiency = turn[RATE.name] / (count * one[RATE.name])
                related.add(name, {**turn, EFFICIENCY.name: efficiency})
    return related
