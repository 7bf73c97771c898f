"""Threads switch sooner while many requests need the store."""

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from angarium.api.transport.switch_interval import CROWD
from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.domain.user import Principal
from angarium.wiring import embedded_engine, http_server
from angarium.wiring.embedded import CROWDED_SWITCH_S
from tests.fakes.held_users import HeldUsers
from tests.fakes.raw_client import RawClient, get
from tests.fakes.serving import Running
from tests.waiting import until

STORE_THREADS = 16


def test_threads_of_the_embedded_engine_switch_sooner_in_a_crowd(tmp_path: Path) -> None:
    given = {"ANGARIUM_PORT": "0", "ANGARIUM_DATA": str(tmp_path / "data")}
    settings = Settings.from_env(given, command="serve")
    clock = SystemClock()
    before = sys.getswitchinterval()
    intervals: list[float] = []
    with embedded_engine(settings, clock, "angarium-1") as engine, ExitStack() as stack:
        held = HeldUsers(engine.users, lambda: intervals.append(sys.getswitchinterval()))
        running = Running(http_server(settings, replace(engine, users=held), clock))
        stack.callback(running.end)
        stack.callback(held.gate.set)
        for number in range(CROWD + STORE_THREADS + 1):
            token = engine.signer.issue(Principal(UUID(int=number), "somebody"), clock.now_ms())
            client = stack.enter_context(RawClient(running.url))
            client.send(get("/v1/users/me", f"Authorization: Bearer {token}"))
        until(lambda: running.server.dispatcher.in_flight > CROWD + STORE_THREADS, "all of them")
        held.gate.set()
        until(lambda: running.server.dispatcher.in_flight == 0, "all answers")
        assert min(intervals) == pytest.approx(CROWDED_SWITCH_S)
        until(lambda: sys.getswitchinterval() == pytest.approx(before), "the end of the crowd")
