"""From sending to reading, step by step, and the two success criteria
about whole systems.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial

from bench import contenders
from bench.contenders import Settings
from bench.library import LIBRARIES, library
from bench.load import Load, percentiles
from bench.roundtrip import RoundTrips
from bench.servers import Server
from bench.stage import Stage
from bench.stored import LOOK_S, Stored
from bench.table import P50, P95, P99, RATE, Column, Figures, Table, interleave

PACES = {20: 1, 500: 25}
"""Messages a second, and the how-manieth of them is read."""

STEPS = {
    "accepted": (Column("p50 ms, due to 202"), Column("p95 ms, due to 202")),
    "stored": (Column("p50 ms, append to stored"), Column("p95 ms, append to stored")),
}
SECONDS = Column("s from the first send to the last stored", ",.2f")
CONNECTIONS = 32
WARM_UP_MESSAGES = 1_000
WARM_UPS = 5
REBALANCED_S = 120.0


def run(stage: Stage) -> Iterator[Table]:
    """Measure one instance of each half, then two."""
    settings = stage.engines.prepare("end_to_end")
    with ExitStack() as starting:
        alone = starting.enter_context(library("bare_trips", stage.engines.prepare("bare_trips")))
        apis = [starting.enter_context(contenders.api(stage.folder(), settings))]
        workers = [starting.enter_context(contenders.worker(stage.folder(), settings))]
        contenders.introduce(apis[0], stage.people)
        for _ in range(WARM_UPS):
            _process(stage, apis, workers, WARM_UP_MESSAGES)
            _trip(stage, apis[0], workers[0], *next(iter(PACES.items())))
            alone(stage.effort.seconds)
        trips = _trips(stage, apis[0], workers[0])
        trips[LIBRARIES["bare_trips"]] = partial(alone, stage.effort.seconds * 2)
        shown = (P50, P95, P99, *(column for step in STEPS.values() for column in step))
        table = Table("From send to readable, one API and one worker", shown)
        yield interleave(table, stage.effort.turns, trips, stage.say)
        criteria = Table("Whole systems", (SECONDS, RATE))
        first = {
            "SC-002: 1,000 messages, 1 API + 1 worker": partial(
                _process, stage, apis, workers, 1_000
            )
        }
        interleave(criteria, stage.effort.turns, first, stage.say)
        _double(stage, starting, settings, apis, workers)
        second = {
            "SC-003: 2,000 messages, 2 APIs + 2 workers": partial(
                _process, stage, apis, workers, 2_000
            )
        }
        yield interleave(criteria, stage.effort.turns, second, stage.say)


def _trips(stage: Stage, api: Server, worker: Server) -> dict[str, Callable[[], Figures]]:
    return {
        f"{pace}/s": partial(_trip, stage, api, worker, float(pace), sampled)
        for pace, sampled in PACES.items()
    }


def _trip(stage: Stage, api: Server, worker: Server, pace: float, sampled: int) -> Figures:
    with closing(Stored(worker)) as stored, RoundTrips(api.address, stage.people) as trips:
        found = trips.run(stage.effort.seconds * 2, pace, sampled)
        stored.await_count(len(found.accepted))
        return {
            **percentiles(found.read),
            **_step("accepted", found.accepted),
            **_step("stored", [milliseconds / 1000 for milliseconds in stored.milliseconds]),
        }


def _step(name: str, seconds: Sequence[float]) -> Figures:
    known = percentiles(seconds)
    middle, most = STEPS[name]
    return {middle.name: known[P50.name], most.name: known[P95.name]}


def _double(
    stage: Stage,
    starting: ExitStack,
    settings: Settings,
    apis: list[Server],
    workers: list[Server],
) -> None:
    apis.append(starting.enter_context(contenders.api(stage.folder(), settings)))
    workers.append(starting.enter_context(contenders.worker(stage.folder(), settings)))
    with closing(Stored(workers[-1])) as newcomer:
        give_up = time.monotonic() + REBALANCED_S
        while not newcomer.milliseconds:
            if time.monotonic() > give_up:
                raise RuntimeError("the second worker got no partition")
            _process(stage, apis, workers, WARM_UP_MESSAGES)
            newcomer.await_count(0)
    for _ in range(WARM_UPS):
        _process(stage, apis, workers, WARM_UP_MESSAGES)


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
            # Whoever only looks takes a core from those who work.
            time.sleep(LOOK_S)
        seconds = time.perf_counter() - start
    return {SECONDS.name: seconds, RATE.name: count / seconds}
