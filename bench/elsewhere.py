"""Attackers as if on another machine: they get what processor time
everybody else leaves.
"""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from tests.acceptance.service import PATIENCE, until
from tests.attacks import Flood

READY = 20
"""Answers that the attackers have before anybody is looked at."""
STOP_S = 10.0

Tell = Callable[[], Counter[int]]
"""Ends a flood, and gives its answers by status."""


@contextmanager
def flooding(make: Callable[[], Flood]) -> Iterator[Tell]:
    """Run a flood in a process of its own, from when it is answered to
    the end of the block.

    In the measuring process its thread would keep the interpreter from
    the one who is measured, and with the same priority it would take
    the processor from the server too: neither is what an attacker can
    do.

    Args:
        make: Describes the flood; it is pickled.
    """
    # Not forked: the child would hold the connections of the one who is
    # measured.
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_flood, args=(make, there), name="attackers", daemon=True)
    child.start()
    there.close()
    try:
        _receive(here)

        def tell() -> Counter[int]:
            here.send(None)
            return Counter(_receive(here))

        yield tell
    finally:
        here.close()
        child.join(STOP_S)
        if child.is_alive():
            child.kill()
            child.join()


def _receive(pipe: Connection) -> dict[int, int]:
    """Wait for word from the attackers."""
    if not pipe.poll(PATIENCE):
        raise RuntimeError(f"the attackers said nothing for {PATIENCE:.0f} s")
    told: dict[int, int] = pipe.recv()
    return told


def _flood(make: Callable[[], Flood], pipe: Connection) -> None:
    """Attack until told to stop."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    with make() as flood:
        until(lambda: sum(flood.statuses.values()) > READY, "the flood")
        pipe.send({})
        pipe.recv()
        pipe.send(dict(flood.statuses))
