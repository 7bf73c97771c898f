"""From sending to reading, and the two success criteria about whole systems."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from functools import partial

from bench import contenders
from bench.contenders import Settings
from bench.load import Load, percentile
from bench.roundtrip import RoundTrips
from bench.servers import Server
from bench.stage import Stage
from bench.stored import Stored
from bench.table import P50, P95, P99, RATE, Column, Figures, Table, interleave

PACES = {20: 1, 500: 25}
"""Messages a second, and the how-manieth of them is read."""

SECONDS = Column("s from the first send to the last stored", ",.2f")
CONNECTIONS = 32
WARM_UP_MESSAGES = 1_000
WARM_UPS = 5


def run(stage: Stage) -> Iterator[Table]:
    """Measure one instance of each half, then two."""
    settings = stage.engines.prepare("end_to_end")
    with ExitStack() as starting:
        apis = [starting.enter_context(contenders.api(stage.folder(), settings))]
        workers = [starting.enter_context(contenders.worker(stage.folder(), settings))]
        contenders.introduce(apis[0], stage.people)
        for _ in range(WARM_UPS):
            _process(stage, apis, workers, WARM_UP_MESSAGES)
            _trip(stage, apis[0], *next(iter(PACES.items())))
        table = Table("From send to readable, one API and one worker", (P50, P95, P99))
        yield interleave(table, stage.effort.turns, _trips(stage, apis[0]), stage.say)
        criteria = Table("Whole systems", (SECONDS, RATE))
        first = {"SC-002: 1,000 messages, 1 API + 1 worker": partial(_process, stage, apis, workers, 1_000)}
        interleave(criteria, stage.effort.turns, first, stage.say)
        _double(stage, starting, settings, apis, workers)
        second = {
            "SC-003: 2,000 messages, 2 APIs + 2 workers": partial(_process, stage, apis, workers, 2_000)
        }
        yield interleave(criteria, stage.effort.turns, second, stage.say)


def _trips(stage: Stage, api: Server) -> Mapping[str, Callable[[], Figures]]:
    return {f"{pace}/s": partial(_trip, stage, api, float(pace), sampled) for pace, sampled in PACES.items()}


def _trip(stage: Stage, api: Server, pace: float, sampled: int) -> Figures:
    with RoundTrips(api.address, stage.people) as trips:
        found = trips.run(stage.effort.seconds * 2, pace, sampled)
    return {
        P50.name: percentile(found, 0.50),
        P95.name: percentile(found, 0.95),
        P99.name: percentile(found, 0.99),
    }


def _double(
    stage: Stage, starting: ExitStack, settings: Settings, apis: list[Server], workers: list[Server]
) -> None:
    apis.append(starting.enter_context(contenders.api(stage.folder(), settings)))
    workers.append(starting.enter_context(contenders.worker(stage.folder(), settings)))
    with closing(Stored(workers[-1])) as newcomer:
        while not newcomer.milliseconds:
            _process(stage, apis, workers, WARM_UP_MESSAGES)
            newcomer.await_count(0)


def _process(stage: Stage, apis: list[Server], workers: list[Server], count: int) -> Figures:
    with ExitStack() as following:
        stored = [following.enter_context(closing(Stored(worker))) for worker in workers]
        sends = stage.people.sends(apis[0].host)
        load = following.enter_context(Load([api.address for api in apis], sends, CONNECTIONS))
        start = time.perf_counter()
        outcome = load.exactly(count)
        if outcome.refused:
            raise RuntimeError(f"{outcome.refused} messages were refused")
        while sum(len(each.milliseconds) for each in stored) < count:
            for each in stored:
                each.await_count(0)
            if time.perf_counter() - start > 60:
                raise RuntimeError("not everything was stored within a minute")
        seconds = time.perf_counter() - start
    return {SECONDS.name: seconds, RATE.name: count / seconds}
