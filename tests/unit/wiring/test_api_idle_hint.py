"""The engine's idle hint reaches the server."""

import threading
from dataclasses import replace
from pathlib import Path

from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.wiring import embedded_engine, http_server
from tests.fakes.serving import PATIENCE, Running


def test_a_server_without_requests_calls_the_hint_of_its_engine(tmp_path: Path) -> None:
    given = {"ANGARIUM_PORT": "0", "ANGARIUM_DATA": str(tmp_path / "data")}
    settings = Settings.from_env(given, command="serve")
    clock = SystemClock()
    hinted = threading.Event()
    with embedded_engine(settings, clock, "angarium-1") as engine:
        running = Running(http_server(settings, replace(engine, idle_hint=hinted.set), clock))
        try:
            assert hinted.wait(PATIENCE)
        finally:
            running.end()
