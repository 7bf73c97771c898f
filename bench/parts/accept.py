"""How many messages one API process accepts, how soon, and what they
cost.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial

from bench import contenders
from bench.library import LIBRARIES, library
from bench.load import Load, Outcome
from bench.population import Population
from bench.servers import Server, cpu_seconds
from bench.stage import Stage
from bench.table import ANSWERS, Column, Figures, Table, interleave

CONNECTIONS = (16, 64, 256)
PACED_CONNECTIONS = 64
RATES = (500, 1_000)
WARM_UP_S = 2.0

KAFKA_CPU = Column("Kafka's CPU-s per 1,000", ".3f")

Ask = Callable[[Load], Outcome]


def run(stage: Stage) -> Iterator[Table]:
    """Measure everybody at every number of connections and at every
    pace.
    """
    settings = stage.engines.prepare("accept")
    seconds = stage.effort.seconds
    with ExitStack() as starting:
        servers = [
            starting.enter_context(contenders.api(stage.folder(), settings)),
            starting.enter_context(contenders.api(stage.folder(), settings, fast=True)),
            starting.enter_context(contenders.kafka_peer("aiokafka", stage.folder(), settings)),
            starting.enter_context(contenders.kafka_peer("confluent", stage.folder(), settings)),
        ]
        floors = [
            starting.enter_context(floor) for floor in contenders.floors(stage.folder()).values()
        ]
        alone = starting.enter_context(library("bare_appends", settings))
        contenders.introduce(servers[0], stage.people)
        alone(WARM_UP_S)
        for server in (*servers, *floors):
            ask(
                server,
                stage.people,
                PACED_CONNECTIONS,
                lambda load: load.flat_out(WARM_UP_S),
            )
        for connections in CONNECTIONS:
            flat_out = _asks(stage, servers, connections, lambda load: load.flat_out(seconds))
            if connections == PACED_CONNECTIONS:
                flat_out |= _asks(stage, floors, connections, lambda load: load.flat_out(seconds))
                flat_out[LIBRARIES["bare_appends"]] = partial(alone, seconds)
            yield _compare(stage, f"Accept, flat out, {connections} connections", flat_out)
        for rate in RATES:
            title = f"Accept, paced at {rate:,}/s"
            paced: Ask = partial(Load.paced, seconds=seconds, per_second=rate)
            yield _compare(stage, title, _asks(stage, servers, PACED_CONNECTIONS, paced))


def _asks(
    stage: Stage, servers: list[Server], connections: int, run_load: Ask
) -> dict[str, Callable[[], Figures]]:
    return {server.name: partial(_ask, stage, server, connections, run_load) for server in servers}


def _compare(stage: Stage, title: str, asks: Mapping[str, Callable[[], Figures]]) -> Table:
    return interleave(Table(title, (*ANSWERS, KAFKA_CPU)), stage.effort.turns, asks, stage.say)


def _ask(stage: Stage, server: Server, connections: int, run_load: Ask) -> Figures:
    broker = stage.engines.broker
    cpu = cpu_seconds(broker)
    figures, answered = ask(server, stage.people, connections, run_load)
    return {**figures, KAFKA_CPU.name: (cpu_seconds(broker) - cpu) * 1000 / max(1, answered)}


def ask(
    server: Server, people: Population, connections: int, run_load: Ask
) -> tuple[Figures, int]:
    """Let one server have one turn; also tells how many were
    answered.
    """
    with Load([server.address], people.sends(server.host), connections) as load:
        cpu = server.cpu_seconds()
        outcome = run_load(load)
        return outcome.figures(server.cpu_seconds() - cpu), len(outcome.latencies)
