"""The real program in a process of its own, on a free port of loopback
and a folder of its own.
"""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tests.engines.freezing import freeze, resume

LAUNCHER = (sys.executable, "-m", "angarium")
PATIENCE = 150.0
"""Seconds that any single step may take on a slow and busy machine."""


def environment(**settings: str) -> dict[str, str]:
    """The surroundings without any setting of whoever runs the tests,
    and with these.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANGARIUM_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **settings}


def until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    """Wait for a condition; name it when it does not come.

    What takes a command to find out leaves three times as much time to
    others.
    """
    give_up = time.monotonic() + patience
    pause = threading.Event()
    asked = time.monotonic()
    while not condition():
        now = time.monotonic()
        if now > give_up:
            raise AssertionError(f"waited {patience:.0f} s in vain for: {what}")
        pause.wait(max(0.02, 3 * (now - asked)))
        asked = time.monotonic()


class Service:
    """`angarium serve`, `api` or `worker`: it can be stopped, killed,
    frozen and started again as it was.
    """

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str] = ("serve",),
        launcher: Sequence[str] = LAUNCHER,
        **settings: str,
    ) -> None:
        self.folder = folder
        self.launcher = launcher
        self.arguments = arguments
        self.settings = {"ANGARIUM_PORT": "0", "ANGARIUM_DATA": str(folder / "data"), **settings}
        self.url = ""
        self.log_path = folder / "service.log"
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread()
        self._lines: queue.Queue[str] = queue.Queue()

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    @property
    def process(self) -> subprocess.Popen[str]:
        assert self._process is not None, "not started"
        return self._process

    def start(self) -> "Service":
        with self.log_path.open("a") as log:
            self._process = subprocess.Popen(
                [*self.launcher, *self.arguments],
                env=environment(**self.settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._lines = self._read()
        self._settle()
        return self

    def terminate(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self._ended()

    def kill(self) -> None:
        self.process.kill()
        self._ended()

    def freeze(self) -> None:
        freeze(self.process)

    def resume(self) -> None:
        resume(self.process)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        if self._reader.is_alive():
            self._reader.join(PATIENCE)

    def _ended(self) -> int:
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def log_lines(self) -> list[Mapping[str, object]]:
        """Give what it wrote, without a line that a kill has cut off or
        that is being written.
        """
        lines = self.log_path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def next_line(self) -> str:
        """Wait for what it says next on its stdout; empty at its
        end.
        """
        return self._lines.get(timeout=PATIENCE)

    def _read(self) -> "queue.Queue[str]":
        lines: queue.Queue[str] = queue.Queue()
        stdout = self.process.stdout
        assert stdout is not None

        def read() -> None:
            with stdout:
                for line in stdout:
                    lines.put(line)
            lines.put("")

        self._reader = threading.Thread(target=read)
        self._reader.start()
        return lines

    def _settle(self) -> None:
        while True:
            line = self.next_line()
            if line.startswith("listening on "):
                self.url = line.split()[2]
                self.settings["ANGARIUM_PORT"] = str(self.port)
                return
            if line.startswith("working in group "):
                return
            if not line:
                code = self.process.wait(PATIENCE)
                raise AssertionError(
                    f"ended with {code} instead of starting: {self.log_path.read_text()}"
                )


@contextlib.contextmanager
def running(
    folder: Path, launcher: Sequence[str] = LAUNCHER, **settings: str
) -> Iterator[Service]:
    """Run the whole service for the length of a block."""
    folder.mkdir(parents=True, exist_ok=True)
    service = Service(folder, launcher=launcher, **settings)
    try:
        yield service.start()
    finally:
        service.close()


def run_cli(
    *arguments: str, stdin: str = "", patience: float = PATIENCE, **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Run one command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "angarium", *arguments],
        env=environment(**settings),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
    )
