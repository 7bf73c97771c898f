"""What each part of the worker costs: one after the other is taken
away, down to the bare loop.
"""

from collections.abc import Iterator
from contextlib import ExitStack

from bench import contenders
from bench.parts.worker import BACKLOG, Pipeline, compare, pipeline, warm_up
from bench.stage import Stage
from bench.table import Table

BACKLOGS = {10: BACKLOG, 200: BACKLOG, 2_000: 2_000}
"""Messages by the number of conversations."""


def run(stage: Stage) -> Iterator[Table]:
    """Measure everybody on backlogs of different spreads."""
    with ExitStack() as starting:
        pipelines = list(_start(stage, starting))
        warm_up(pipelines)
        for conversations, most in BACKLOGS.items():
            title = (
                f"Parts of the worker, backlog of {most:,} over {conversations:,} conversations"
            )
            yield compare(stage, title, pipelines, conversations, most)


def _start(stage: Stage, starting: ExitStack) -> Iterator[Pipeline]:
    for number, part in enumerate((None, *contenders.WORKER_PARTS, "bare_loop")):
        settings = stage.engines.prepare(f"worker_parts_{number}")
        if part is None:
            running = contenders.worker(stage.folder(), settings, fast=True)
        elif part in contenders.WORKER_PEERS:
            running = contenders.worker_peer(part, stage.folder(), settings)
        else:
            running = contenders.stripped(part, stage.folder(), settings)
        yield pipeline(stage, starting.enter_context(running), settings)
