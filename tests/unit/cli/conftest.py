"""A console in memory and a server to talk to."""

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from angarium.cli.console import Console
from angarium.cli.main import main
from angarium.engines.embedded.database import Database
from tests.unit.cli.fake_server import FakeServer

PARTITIONS = 12


class TerminalOutput(io.StringIO):
    """What is written to a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass
class Shell:
    """Runs commands in this process and keeps what they wrote.

    Attributes:
        stderr: Makes what errors are written to.
    """

    environment: dict[str, str]
    stderr: Callable[[], io.StringIO] = io.StringIO
    out: str = field(default="")
    err: str = field(default="")

    def run(self, *argv: str, stdin: str | bytes = "") -> int:
        given = (
            io.StringIO(stdin)
            if isinstance(stdin, str)
            else io.TextIOWrapper(io.BytesIO(stdin), "utf-8", "surrogateescape")
        )
        console = Console(given, io.StringIO(), self.stderr(), self.environment)
        status = main(argv, console)
        assert isinstance(console.stdout, io.StringIO)
        assert isinstance(console.stderr, io.StringIO)
        self.out, self.err = console.stdout.getvalue(), console.stderr.getvalue()
        return status


@pytest.fixture(autouse=True)
def called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hints name the program as it was called: not as pytest was."""
    monkeypatch.setattr(sys, "argv", ["angarium"])


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(
        {"XDG_CONFIG_HOME": str(tmp_path / "config"), "ANGARIUM_DATA": str(tmp_path / "data")}
    )


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def alice(shell: Shell, server: FakeServer) -> Shell:
    shell.environment["ANGARIUM_URL"] = server.url
    assert shell.run("login", "alice", stdin="alice-demo\n") == 0
    return shell


@pytest.fixture
def database(shell: Shell) -> Iterator[Database]:
    with closing(Database.open(Path(shell.environment["ANGARIUM_DATA"]), PARTITIONS)) as opened:
        yield opened
