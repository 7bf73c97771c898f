from pathlib import Path

import pytest

from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("--as", "alice"), "--as and --with go together"),
        (("--with", "alice"), "--as and --with go together"),
        (("--as", "alice", "--with", "alice"), "a different user"),
        (("--conversations", "7"), "people for 6 conversations, not 7"),
        (
            ("--as", "alice", "--with", "bob", "--conversations", "2"),
            "people for 1 conversations, not 2",
        ),
        (("--check",), "--ledger"),
        (("--check", "--ledger", "/nowhere/at/all"), "--ledger"),
        (("--url", "nonsense"), "nonsense"),
    ],
)
def test_a_command_line_that_says_nothing_that_can_be_done_is_one_line(
    argv: tuple[str, ...], words: str, shell: Shell
) -> None:
    assert shell.run("verify", *argv) == 2
    assert words in shell.err
    assert shell.err.count("\n") == 1


def test_a_server_that_is_not_there_is_told(shell: Shell) -> None:
    assert shell.run("verify", "--url", "http://127.0.0.1:1", "--patience", "0") == 1
    assert "cannot reach http://127.0.0.1:1" in shell.err


def test_a_server_that_is_not_there_yet_is_told_at_once(shell: Shell) -> None:
    assert shell.run("verify", "--url", "http://127.0.0.1:1", "--patience", "0.3") == 1
    first, last = shell.err.splitlines()
    assert first.startswith("no answer from http://127.0.0.1:1 yet, trying until ")
    assert "cannot reach http://127.0.0.1:1" in last


def test_a_run_whose_messages_nobody_accepted_fails(alice: Shell, server: FakeServer) -> None:
    """Without a single 202 nothing was verified, and that is no
    success.
    """
    server.faults.extend(Fault("/v1/messages") for _ in range(100))
    argv = ("--url", server.url, "--conversations", "1", "--messages", "1", "--patience", "0")
    assert alice.run("verify", *argv) == 1
    assert "unanswered" in alice.out


def test_a_ledger_without_an_accepted_message_fails(
    alice: Shell, server: FakeServer, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    ledger.touch()
    assert alice.run("verify", "--url", server.url, "--check", "--ledger", str(ledger)) == 1
    assert "nothing was accepted, so nothing was verified" in alice.out


def test_a_run_that_keeps_every_promise_succeeds(alice: Shell, server: FakeServer) -> None:
    argv = ("--url", server.url, "--conversations", "1", "--messages", "3")
    assert alice.run("verify", *argv) == 0, alice.out + alice.err
    assert "every promise was kept" in alice.out


def test_a_run_that_lost_a_message_fails(alice: Shell, server: FakeServer) -> None:
    server.service.storing = False
    argv = ("--url", server.url, "--conversations", "1", "--messages", "1", "--patience", "0")
    assert alice.run("verify", *argv) == 1
    assert "lost" in alice.out
