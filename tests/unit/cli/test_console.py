"""A hint names the program as it was called, so that it can be
pasted.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from angarium.cli.console import find_program_name

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
