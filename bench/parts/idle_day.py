"""A day of idle keep-alive connections, with a clock that is moved by
hand.
"""

import gc
from collections import Counter

import psutil

from angarium.config import Settings
from bench.memory_api import memory_server
from bench.population import SECRET
from bench.stage import Stage
from bench.stand_in_logs import InstantLog
from bench.table import Column, Figures, Table
from tests.fakes.clock import ManualClock
from tests.fakes.raw_client import RawClient, get
from tests.fakes.serving import Running

CONNECTIONS = 20
SILENT = 5
"""More connections, which say nothing; the server closes them, and they
come again.
"""

STEP_S = 50
"""Less than the 60 seconds that the server waits for the next
request.
"""

SILENT_STEPS = 3
HOURS = (1, 6, 12, 24)
QUICK_HOURS = (1, 2)

MEMORY = Column("MiB of memory", ",.2f")
CLOSED = Column("closed for silence so far", ",.0f")
ANSWERED = Column("requests answered so far", ",.0f")

_REQUEST = get("/health/live")


class Day:
    """Clients that ask just often enough to be kept, and some that do
    not.
    """

    def __init__(self, running: Running, clock: ManualClock) -> None:
        self._url = running.url
        self._clock = clock
        self._steps = 0
        self._count: Counter[str] = Counter()
        self._kept = [RawClient(self._url) for _ in range(CONNECTIONS)]
        self._silent = [RawClient(self._url) for _ in range(SILENT)]

    def pass_until(self, seconds: int) -> None:
        """Let time pass until so long after the beginning."""
        while self._steps * STEP_S < seconds:
            self._clock.advance(STEP_S)
            self._steps += 1
            for client in self._kept:
                if client.ask(_REQUEST).status != 200:
                    raise RuntimeError("a connection that is kept was not served")
                self._count[ANSWERED.name] += 1
            if self._steps % SILENT_STEPS == 0:
                self._silent = [self._replaced(client) for client in self._silent]

    def figures(self) -> Figures:
        """Count, and look at this process's memory."""
        gc.collect()
        memory = psutil.Process().memory_full_info().uss / 2**20
        return {
            MEMORY.name: memory,
            **{each.name: self._count[each.name] for each in (CLOSED, ANSWERED)},
        }

    def close(self) -> None:
        """Leave."""
        for client in (*self._kept, *self._silent):
            client.close()

    def _replaced(self, client: RawClient) -> RawClient:
        if not client.closed():
            raise RuntimeError("a silent connection was kept")
        client.close()
        self._count[CLOSED.name] += 1
        return RawClient(self._url)


def idle_day(stage: Stage) -> Table:
    """Let a day pass in steps shorter than the server's patience, and
    look at the memory now and then.
    """
    table = Table(
        "A day of idle keep-alive, by a clock that is moved by hand", (MEMORY, CLOSED, ANSWERED)
    )
    clock = ManualClock()
    settings = Settings.from_env({"ANGARIUM_PORT": "0", "ANGARIUM_JWT_SECRET": SECRET})
    members = stage.people.members_file(stage.folder() / "members.json")
    running = Running(memory_server(settings, members, InstantLog(clock), clock))
    try:
        day = Day(running, clock)
        for hour in QUICK_HOURS if stage.effort.quick else HOURS:
            day.pass_until(hour * 3600)
            table.add(f"after {hour} h", day.figures())
            stage.say(f"{table.title} · {hour} h")
        day.close()
    finally:
        running.end()
    return table
