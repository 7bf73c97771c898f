"""A server that is away, silent or no server of ours."""

import re
import socket

import pytest

from angarium.cli import session
from angarium.cli.credentials import Credentials, SavedLogin
from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault


def test_a_server_that_is_not_there_is_told_at_once_and_at_the_end(
    alice: Shell, server: FakeServer
) -> None:
    server.stop()
    assert alice.run("history", "bob") == 1
    first, last = alice.err.splitlines()
    assert re.fullmatch(
        rf"no answer from {server.url} yet, trying until [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}", first
    )
    assert last == (
        f"angarium: cannot reach {server.url}: connection refused; is `angarium serve` (or "
        "`api`) running there?"
    )
    server.start()


def test_a_server_that_is_silent_is_told_while_it_is_waited_for(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        Credentials.of(shell.environment).keep(SavedLogin(url, "alice", "id", "token", 1))
        monkeypatch.setattr(session, "SLOW_S", 0.1)
        monkeypatch.setattr(session, "TIMEOUT_S", 1.0)
        monkeypatch.setattr(session, "PATIENCE_S", 0.5)
        assert shell.run("inbox", "--url", url) == 1
    told = shell.err.splitlines()
    assert told[0].startswith(f"no answer from {url} yet, trying until ")
    assert told[-1].startswith(f"angarium: cannot reach {url}: no answer within 1 s;")
    assert len(told) == 2


def test_a_server_that_comes_back_meanwhile_is_told_once(alice: Shell, server: FakeServer) -> None:
    server.faults.extend([Fault("/v1/inbox"), Fault("/v1/inbox")])
    assert alice.run("inbox") == 0
    first, _ = alice.err.splitlines()
    assert first.startswith(
        f"{server.url} answers: The log is away [log_unavailable] (trace id ab), trying until "
    )


STRANGE: list[tuple[int, str, str]] = [
    (200, "<html>", "does not answer like an Angarium server (no JSON); check the address"),
    (200, "[]", "(no JSON object)"),
    (200, "{}", "(no messages)"),
    (200, '{"messages":[1],"pagination":{}}', "(no message)"),
    (200, '{"messages":[{}],"pagination":{}}', "(no message_id)"),
    (302, "", "angarium: 302 Found [302]"),
    (404, "<html>", "angarium: 404 Not Found [404]"),
]


@pytest.mark.parametrize(("status", "body", "line"), STRANGE)
def test_another_kind_of_server_is_told(
    status: int, body: str, line: str, alice: Shell, server: FakeServer
) -> None:
    server.faults.append(Fault("/v1/inbox", status=status, body=body))
    assert alice.run("inbox") == 1
    assert line in alice.err
    assert alice.err.count("\n") == 1
