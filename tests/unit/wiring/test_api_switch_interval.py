"""Threads switch sooner while many requests need the store."""

import sys
from pathlib import Path
from uuid import UUID

import pytest

from angarium.api.transport.switch_interval import CROWD
from angarium.wiring.embedded import CROWDED_SWITCH_S
from tests.fakes.held_service import held_service
from tests.waiting import until

STORE_THREADS = 16


def test_threads_of_the_embedded_engine_switch_sooner_in_a_crowd(tmp_path: Path) -> None:
    before = sys.getswitchinterval()
    intervals: list[float] = []
    with held_service(tmp_path, lambda: intervals.append(sys.getswitchinterval())) as service:
        for number in range(CROWD + STORE_THREADS + 1):
            service.ask(UUID(int=number), number + 1)
        service.users.gate.set()
        until(lambda: service.in_flight == 0, "all answers")
        assert min(intervals) == pytest.approx(CROWDED_SWITCH_S)
        until(lambda: sys.getswitchinterval() == pytest.approx(before), "the end of the crowd")
