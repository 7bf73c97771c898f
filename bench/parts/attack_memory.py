"""The most memory that one instance takes while clients do what anybody
may.
"""

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from bench.servers import running
from bench.stage import Stage
from bench.table import REFUSED, Column, Figures, Table, interleave
from tests.acceptance.memory_attacks import (
    Statuses,
    Target,
    log_in_wrongly,
    peak_mib,
    read_pages,
    reading_nothing,
    send_largest,
    sending_halves,
)

PEAK = Column("peak MiB")
SERVED = Column("served", ",.0f")

Attack = Callable[[Target], Statuses]


def run(stage: Stage) -> Iterator[Table]:
    """Start a fresh instance for each attack, and look at its peak when
    it is over.
    """
    if sys.platform != "linux":
        stage.say("only Linux tells a process's peak: left out")
        return
    asks: dict[str, Callable[[], Figures]] = {
        name: partial(_suffer, stage, attack) for name, attack in ATTACKS.items()
    }
    title = "Peak of resident memory under attack, `angarium serve`, at most 200 MiB"
    yield interleave(Table(title, (PEAK, SERVED, REFUSED)), stage.effort.turns, asks, stage.say)


def _suffer(stage: Stage, attack: Attack) -> Figures:
    folder = stage.folder()
    settings = {"ANGARIUM_DATA": str(folder / "data")}
    with running("angarium serve", ["-m", "angarium", "serve"], folder, settings) as server:
        target = Target.prepare(server.address[1])
        statuses = attack(target)
        return {
            PEAK.name: peak_mib(server.process.pid),
            SERVED.name: float(statuses[200] + statuses[202] + statuses[401]),
            REFUSED.name: float(statuses[503] + statuses[429] + statuses[0]),
        }


def _read_beside_stuck_readers(target: Target) -> Statuses:
    with reading_nothing(target, readers=150):
        return read_pages(target, readers=12, rounds=4)


def _send_beside_halves(target: Target) -> Statuses:
    with sending_halves(target, clients=1_000):
        return send_largest(target, senders=60, rounds=20)


def _all_at_once(target: Target) -> Statuses:
    with contextlib.ExitStack() as stack:
        stack.enter_context(reading_nothing(target, readers=100))
        stack.enter_context(sending_halves(target, clients=500))
        return (
            send_largest(target, senders=60, rounds=10)
            + read_pages(target, readers=40, rounds=2)
            + log_in_wrongly(target, clients=40)
        )


ATTACKS: Mapping[str, Attack] = {
    "100 messages of 10,240 control characters, sent one by one": lambda _: Counter(),
    "their pages, read by 12 at once": partial(read_pages, readers=12, rounds=2),
    "their pages, read by 40 at once": partial(read_pages, readers=40, rounds=2),
    "their pages, asked for by 150 who take none, and read by 12": _read_beside_stuck_readers,
    "such messages, sent by 60 at once": partial(send_largest, senders=60, rounds=20),
    "such messages, sent by 60 beside 1,000 half bodies of 64 KB": _send_beside_halves,
    "wrong logins with bodies of 60 KB, 200 at once": partial(log_in_wrongly, clients=200),
    "all of these": _all_at_once,
}
