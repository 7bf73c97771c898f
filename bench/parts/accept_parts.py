"""What each part of accepting costs: one after the other is taken away,
down to the server alone.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from bench import contenders
from bench.library import LIBRARIES, library
from bench.parts.accept import PACED_CONNECTIONS, WARM_UP_S, ask
from bench.servers import Server
from bench.stage import Stage
from bench.table import CPU, RATE, Figures, Table, interleave


def run(stage: Stage) -> Iterator[Table]:
    """Measure all of them flat out."""
    settings = stage.engines.prepare("accept_parts")
    seconds = stage.effort.seconds
    with ExitStack() as starting:
        servers = [
            starting.enter_context(contenders.api(stage.folder(), settings, fast=True)),
            *(
                starting.enter_context(contenders.accept_part(log, stage.folder(), settings))
                for log in contenders.ACCEPT_PARTS
            ),
        ]
        alone = starting.enter_context(library("bare_appends", settings))
        contenders.introduce(servers[0], stage.people)
        alone(WARM_UP_S)
        for server in servers:
            _ask(stage, server, WARM_UP_S)
        asks = {server.name: partial(_ask, stage, server, seconds) for server in servers}
        asks[LIBRARIES["bare_appends"]] = partial(alone, seconds)
        title = f"Parts of accepting, flat out, {PACED_CONNECTIONS} connections"
        yield interleave(Table(title, (RATE, CPU)), stage.effort.turns, asks, stage.say)


def _ask(stage: Stage, server: Server, seconds: float) -> Figures:
    figures, _ = ask(server, stage.people, PACED_CONNECTIONS, lambda load: load.flat_out(seconds))
    return figures
