"""What a command makes of its streams; and a hint names the program
as it was called, so that it can be pasted.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from angarium.cli.console import find_program_name
from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer
from tests.unit.cli.own_terminal import environment_of

BIN = Path(sys.executable).parent / "angarium"
ELSEWHERE = "/usr/local/bin/angarium"


@pytest.mark.parametrize(
    ("script", "found", "called"),
    [
        (".venv/bin/angarium", None, ".venv/bin/angarium"),
        (".venv/bin/angarium", ELSEWHERE, ".venv/bin/angarium"),
        ("/home/a b/bin/angarium", None, "'/home/a b/bin/angarium'"),
        (ELSEWHERE, ELSEWHERE, "angarium"),
        ("/src/angarium/__main__.py", ELSEWHERE, ".venv/bin/python -m angarium"),
        ("/venv/bin/pytest", None, "angarium"),
    ],
)
def test_the_program_is_called_as_before(script: str, found: str | None, called: str) -> None:
    assert find_program_name(script, ".venv/bin/python", lambda _: found) == called


@pytest.mark.parametrize(
    "command", [[str(BIN)], [sys.executable, "-m", "angarium"]], ids=["script", "module"]
)
def test_a_hint_can_be_pasted(command: list[str], tmp_path: Path) -> None:
    told = subprocess.run(
        [*command, "inbox"],
        env={"PATH": "/usr/bin:/bin", "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr == (
        "angarium: no one is logged in at http://127.0.0.1:8080: log in with "
        f"`{' '.join(command)} login NAME`\n"
    )


def test_a_reader_that_leaves_ends_the_command_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "angarium", "config"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment_of({}),
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, b"")


@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- >&- 2>&-"])
def test_closed_streams_are_at_their_end(alice: Shell, server: FakeServer, closed: str) -> None:
    first = server.service.say("bob", "alice", "hello")
    ran = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m angarium chat bob {closed}', sys.executable],
        capture_output=True,
        env=environment_of(alice.environment),
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert ran.stdout.decode().endswith("bob: hello\n" if closed == "<&-" else "")
    assert server.service.receipts == [first]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that Linux alone has")
@pytest.mark.parametrize("command", ["version", "help", "config --help"])
def test_a_full_stdout_is_one_line(command: str) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "angarium", *command.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment_of({}),
            timeout=60,
            check=False,
        )
    assert (ran.returncode, ran.stderr) == (1, b"angarium: No space left on device\n")


@pytest.mark.parametrize("command", ["inbox --confirm", "export"])
def test_what_nobody_can_see_is_not_confirmed_and_no_export(
    alice: Shell, server: FakeServer, tmp_path: Path, command: str
) -> None:
    server.service.say("bob", "alice", "hello")
    ran = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m angarium {command} >&-', sys.executable],
        capture_output=True,
        env=environment_of({**alice.environment, "ANGARIUM_DATA": str(tmp_path)}),
        timeout=60,
        check=False,
    )
    assert ran.returncode == 1
    assert ran.stderr.decode() == "angarium: stdout is closed, and the result goes there\n"
    assert server.service.receipts == []


def test_the_process_itself_speaks_utf_8_whatever_the_locale() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "angarium", "config"],
        capture_output=True,
        env=environment_of({"LC_ALL": "C", "ANGARIUM_DATA": "/nowhere/дата"}),
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0
    assert "/nowhere/дата  (environment)" in ran.stdout.decode()
