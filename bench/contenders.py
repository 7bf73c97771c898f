"""The servers that are measured, each a process of its own that is started, watched and stopped."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.population import SECRET, Population

START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server.

    Attributes:
        name: As the tables show it.
        address: Where it listens.
        process: For its CPU time.
        database: The file in which a worker stores what was accepted, None where there is no worker.
    """

    name: str
    address: tuple[str, int]
    process: psutil.Process
    database: Path | None = None

    @property
    def host(self) -> str:
        """The address as a Host header."""
        return f"{self.address[0]}:{self.address[1]}"

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextlib.contextmanager
def angarium(folder: Path, people: Population) -> Iterator[Contender]:
    """`angarium serve` on the embedded engine in a fresh folder."""
    users = people.users_file(folder / "users.json")
    settings = {"ANGARIUM_DATA": str(folder / "data"), "ANGARIUM_USERS": str(users)}
    database = folder / "data" / "angarium.db"
    yield from _run("angarium", ["-m", "angarium", "serve"], folder, settings, database)


@contextlib.contextmanager
def angarium_alone(folder: Path, people: Population) -> Iterator[Contender]:
    """The HTTP server, routes and services with a log that acknowledges at once."""
    members = people.members_file(folder / "members.json")
    yield from _run(
        "angarium, server alone", ["-m", "bench.instant"], folder, {"BENCH_CONVERSATIONS": str(members)}
    )


@contextlib.contextmanager
def fastapi(folder: Path, people: Population, durable: bool) -> Iterator[Contender]:
    """FastAPI on uvicorn, over SQLite or with nothing behind it."""
    settings = {
        "PEER_SECRET": SECRET,
        "PEER_DATABASE": str(folder / "peer.db") if durable else "",
        "PEER_CONVERSATIONS": str(people.members_file(folder / "members.json")),
    }
    name = "FastAPI + uvicorn" if durable else "FastAPI + uvicorn, server alone"
    yield from _run(name, ["-m", "bench.peers.serve_fastapi"], folder, settings)


def _run(
    name: str,
    arguments: Sequence[str],
    folder: Path,
    settings: Mapping[str, str],
    database: Path | None = None,
) -> Iterator[Contender]:
    port = _free_port()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("ANGARIUM_")},
        "ANGARIUM_JWT_SECRET": SECRET,
        "ANGARIUM_PORT": str(port),
        "BENCH_PORT": str(port),
        **settings,
    }
    with (folder / "output.log").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdout=output, stderr=output
        )
    try:
        _await_port(port, process)
        yield Contender(name, ("127.0.0.1", port), psutil.Process(process.pid), database)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up:
        if process.poll() is not None:
            raise RuntimeError(f"a server ended with {process.returncode} before it listened; see output.log")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listened on port {port} within {START_SECONDS:.0f} s")
