"""Passwords that a person types."""

import os
import pty
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from angarium.engines.embedded.database import Database
from angarium.engines.secrets.passwords import ScryptHasher
from tests.unit.cli.conftest import Shell
from tests.unit.cli.own_terminal import environment_of, with_terminal
from tests.waiting import PATIENCE_S


def prompted(
    environment: dict[str, str], argv: Sequence[str], *answers: bytes, again: bytes = b""
) -> tuple[int, str, str]:
    """Type answers at prompts; a key that comes just before a read
    begins is pressed again, as people do.
    """
    near, far = pty.openpty()
    process = subprocess.Popen(
        with_terminal(["-m", "angarium", *argv]),
        stdin=far,
        stdout=subprocess.PIPE,
        stderr=far,
        env=environment_of(environment),
        start_new_session=True,
    )
    os.close(far)
    shown = ""
    for answer in answers:
        while not shown.endswith(": "):
            shown += os.read(near, 1024).decode()
        os.write(near, answer)
        shown += "|"
    while again and not ended(process, PATIENCE_S / 10):
        os.write(near, again)
    assert process.stdout is not None
    out = process.stdout.read().decode()
    status = process.wait(PATIENCE_S)
    process.stdout.close()
    try:
        while data := os.read(near, 1024):
            shown += data.decode()
    except OSError:
        # The other end is closed: that is how a pseudo-terminal says
        # that there is no more.
        pass
    os.close(near)
    return status, out, shown


def ended(process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_a_new_password_is_asked_for_twice_and_never_shown(shell: Shell) -> None:
    status, out, shown = prompted(shell.environment, ["users", "hash"], b"secret\n", b"secret\n")
    assert status == 0
    assert ScryptHasher().verify("secret", out.strip())
    assert shown.replace("\r\n", "") == "password: |password again: |"


@pytest.mark.parametrize(
    ("answers", "line"),
    [
        ((b"secret\n", b"secreT\n"), "angarium: the two passwords differ; nothing was changed"),
        ((b"\n",), "angarium: the password is empty; type one, or write it on a line of stdin"),
        ((b"\x04",), "angarium: the password is empty; type one, or write it on a line of stdin"),
    ],
)
def test_a_password_that_was_not_given_is_told(
    answers: Sequence[bytes], line: str, shell: Shell
) -> None:
    Database.open(Path(shell.environment["ANGARIUM_DATA"]), 12).close()
    status, out, shown = prompted(shell.environment, ["users", "add", "erin"], *answers)
    assert (status, out) == (1, "")
    assert shown.endswith(f"\n{line}\r\n")


def test_a_prompt_can_be_interrupted(shell: Shell) -> None:
    status, out, shown = prompted(shell.environment, ["login", "alice"], b"sec\x03", again=b"\x03")
    assert (status, out) == (130, "")
    assert shown.replace("^C", "").startswith("password of alice: |\r\n")
    assert "Traceback" not in shown
