"""Processes that are measured: started, watched and stopped."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.load import Address
from bench.population import SECRET
from tests.engines.ports import free_port

START_S = 90.0
STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running process.

    Attributes:
        name: As the tables show it.
        process: For its CPU time and memory.
        output: The file that has what it writes.
        address: Where it listens, if it does.
    """

    name: str
    process: psutil.Process
    output: Path
    address: Address = ("", 0)

    @property
    def host(self) -> str:
        """The address as a Host header."""
        return f"{self.address[0]}:{self.address[1]}"

    def cpu_seconds(self) -> float:
        """User and system time so far."""
        return cpu_seconds(self.process)

    def memory_bytes(self) -> int:
        """What the system would get back if it ended."""
        return int(self.process.memory_full_info().uss)

    def await_output(self, ready: Callable[[bytes], bool], seconds: float = START_S) -> None:
        """Wait until it has written what is wanted."""
        give_up = time.monotonic() + seconds
        while not ready(self.output.read_bytes()):
            if self.has_ended():
                raise RuntimeError(f"{self.name} ended: {self._last_words()}")
            if time.monotonic() > give_up:
                raise RuntimeError(
                    f"{self.name} took longer than {seconds:.0f} s: {self._last_words()}"
                )
            time.sleep(0.02)

    def has_ended(self) -> bool:
        """Whether it runs no longer."""
        return not self.process.is_running() or self.process.status() == psutil.STATUS_ZOMBIE

    def _last_words(self) -> str:
        return self.output.read_text(errors="replace")[-2_000:]


def cpu_seconds(*processes: psutil.Process) -> float:
    """User and system time of processes so far, all their threads."""
    times = [process.cpu_times() for process in processes]
    return float(sum(each.user + each.system for each in times))


@contextlib.contextmanager
def running(
    name: str,
    arguments: Sequence[str],
    folder: Path,
    settings: Mapping[str, str],
    ready: bytes = b"",
) -> Iterator[Server]:
    """Run `python …` for the length of a block, from when it listens or
    has written that it is ready.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("ANGARIUM_")},
        "PYTHONUNBUFFERED": "1",
        "ANGARIUM_JWT_SECRET": SECRET,
        "ANGARIUM_PORT": str(port),
        "BENCH_PORT": str(port),
        **settings,
    }
    output = folder / "output.log"
    with output.open("w") as writing:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
        )
    try:
        server = Server(name, psutil.Process(process.pid), output, ("127.0.0.1", port))
        server.await_output(lambda written: ready in written if ready else _listens(port))
        yield server
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
