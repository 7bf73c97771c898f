"""`angarium login`, and the logins that the other commands use."""

import json
import os
import socket
import stat
from datetime import datetime
from pathlib import Path

import pytest

from angarium.cli import session
from angarium.cli.credentials import Credentials, SavedLogin
from angarium.cli.errors import CommandError
from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault
from tests.unit.cli.fake_service import id_of


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def folder_of(shell: Shell) -> Path:
    return Path(shell.environment["XDG_CONFIG_HOME"]) / "angarium"


def test_a_login_is_kept_for_its_owner_alone(alice: Shell, server: FakeServer) -> None:
    assert alice.out.startswith(f"alice is logged in at {server.url} until ")
    assert alice.err == ""
    folder = folder_of(alice)
    assert mode(folder) == 0o700
    (file,) = folder.iterdir()
    assert mode(file) == 0o600
    assert "token-of-alice" in file.read_text()


def test_a_folder_that_was_open_to_others_is_closed(shell: Shell, server: FakeServer) -> None:
    folder = folder_of(shell)
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    umask = os.umask(0)
    try:
        assert shell.run("login", "alice", "--url", server.url, stdin="alice-demo") == 0
    finally:
        os.umask(umask)
    assert mode(folder) == 0o700
    assert {mode(file) for file in folder.iterdir()} == {0o600}


def test_a_wrong_password_is_told_and_keeps_nothing(shell: Shell, server: FakeServer) -> None:
    assert shell.run("login", "alice", "--url", server.url, stdin="guess\n") == 1
    assert shell.err == f"angarium: wrong username or password for alice at {server.url}\n"
    assert not folder_of(shell).exists()
    assert "guess" not in shell.out + shell.err


def test_too_many_attempts_are_told_as_the_server_says(shell: Shell, server: FakeServer) -> None:
    body = '{"code":"too_many_attempts","detail":"Wait for 60 s.","trace_id":"ab"}'
    server.faults.append(
        Fault("/auth/token", status=429, body=body, headers=(("Retry-After", "60"),))
    )
    assert shell.run("login", "alice", "--url", server.url, stdin="alice-demo\n") == 1
    assert shell.err == "angarium: Wait for 60 s [too_many_attempts]\n"


@pytest.mark.parametrize("stdin", ["", "\n"])
def test_an_empty_password_is_told(stdin: str, shell: Shell) -> None:
    assert shell.run("login", "alice", stdin=stdin) == 1
    assert (
        shell.err == "angarium: the password is empty; type one, or write it on a line of stdin\n"
    )


def test_a_password_of_other_bytes_is_told(shell: Shell) -> None:
    assert shell.run("login", "alice", stdin="p\udcff\n") == 1
    assert (
        shell.err
        == "angarium: the password is not UTF-8 (byte 0xff at position 1); type it in UTF-8\n"
    )


def test_login_as_json_prints_the_answer(shell: Shell, server: FakeServer) -> None:
    assert shell.run("login", "alice", "--url", server.url, "--json", stdin="alice-demo\n") == 0
    assert json.loads(shell.out)["access_token"] == "token-of-alice"


def test_the_last_login_is_used_unless_another_is_named(alice: Shell, server: FakeServer) -> None:
    assert alice.run("login", "bob", stdin="bob-demo\n") == 0
    assert alice.run("send", "carol", "from bob") == 0
    assert alice.run("send", "carol", "--as", "alice", "from alice") == 0
    assert alice.run("login", "alice", stdin="alice-demo\n") == 0
    assert alice.run("send", "carol", "from alice again") == 0
    said = [(message.sender_id, message.content) for message in server.service.messages]
    assert said == [
        (id_of("bob"), "from bob"),
        (id_of("alice"), "from alice"),
        (id_of("alice"), "from alice again"),
    ]


def test_logins_belong_to_their_server(alice: Shell, server: FakeServer) -> None:
    assert alice.run("inbox", "--url", "http://127.0.0.1:1") == 1
    assert alice.err == (
        "angarium: no one is logged in at http://127.0.0.1:1: log in with `angarium login NAME "
        "--url http://127.0.0.1:1`\n"
    )


def test_a_login_that_is_not_there_is_told_with_those_that_are(
    alice: Shell, server: FakeServer
) -> None:
    assert alice.run("inbox", "--as", "bob") == 1
    assert alice.err == (
        f"angarium: bob is not logged in at {server.url} (logged in there: alice): log in with "
        "`angarium login bob`\n"
    )


def test_an_expired_login_is_told_with_the_remedy(alice: Shell, server: FakeServer) -> None:
    body = '{"code":"expired_token","detail":"Expired.","trace_id":"ab"}'
    server.faults.append(Fault("/v1/inbox", status=401, body=body))
    assert alice.run("inbox") == 1
    assert alice.err == (
        f"angarium: the login of alice at {server.url} has expired: log in again with `angarium "
        "login alice`\n"
    )


def test_a_login_that_another_secret_signed_is_told_with_the_remedy(
    alice: Shell, server: FakeServer
) -> None:
    server.tokens.clear()
    assert alice.run("inbox") == 1
    assert "is no longer accepted: log in again with `angarium login alice`" in alice.err


def test_a_damaged_login_is_told_by_its_file(alice: Shell) -> None:
    (file,) = folder_of(alice).iterdir()
    file.write_text("{")
    assert alice.run("inbox") == 1
    assert alice.err == f"angarium: {file} is damaged: remove it, then log in again\n"


@pytest.mark.parametrize(
    ("token", "expires_in", "named"),
    [
        ("", 3600, "access_token"),
        ("tok\nen", 3600, "access_token"),
        ("t\u00f6ken", 3600, "access_token"),
        (7, 3600, "access_token"),
        ("token", 10**12, "expires_in"),
        ("token", 10**30, "expires_in"),
        ("token", -1, "expires_in"),
        ("token", 0.5, "expires_in"),
    ],
)
def test_a_login_that_no_such_server_gives_is_refused_and_nothing_is_kept(
    token: object, expires_in: object, named: str, shell: Shell, server: FakeServer
) -> None:
    body = {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": expires_in,
        "user_id": "i",
    }
    server.faults.append(Fault("/auth/token", status=200, body=json.dumps(body)))
    assert shell.run("login", "alice", "--url", server.url, stdin="alice-demo\n") == 1
    assert shell.err == (
        f"angarium: {server.url} does not answer like an Angarium server (no {named}); check the "
        "address\n"
    )
    assert not folder_of(shell).exists()


def test_a_damaged_login_of_another_server_is_no_hindrance(
    alice: Shell, server: FakeServer
) -> None:
    elsewhere = folder_of(alice) / "login-0123456789abcdef-alice.json"
    elsewhere.write_text("{")
    assert alice.run("send", "bob", "hi") == 0
    assert alice.err == ""
    assert alice.run("history", "bob") == 0
    assert alice.out.endswith("alice: hi  [sent]\n")
    assert alice.err == ""


def test_a_damaged_login_is_no_hindrance_to_another_that_is_named(
    alice: Shell, server: FakeServer
) -> None:
    (file,) = folder_of(alice).iterdir()
    assert alice.run("login", "bob", stdin="bob-demo\n") == 0
    file.write_text("{")
    assert alice.run("send", "carol", "--as", "bob", "hi") == 0
    assert alice.run("send", "carol", "--as", "alice", "hi") == 1
    assert alice.err == f"angarium: {file} is damaged: remove it, then log in again\n"


def test_a_login_file_that_cannot_be_read_is_told(alice: Shell) -> None:
    (file,) = folder_of(alice).iterdir()
    file.unlink()
    file.mkdir()
    assert alice.run("inbox") == 1
    assert alice.err == f"angarium: cannot read {file}: Is a directory\n"


@pytest.mark.parametrize(
    "content", ["[]", '{"url": 1}', '{"url": "u", "username": "a", "user_id": "i"}']
)
def test_a_login_of_another_form_is_damaged(content: str, alice: Shell) -> None:
    (file,) = folder_of(alice).iterdir()
    file.write_text(content)
    assert alice.run("inbox") == 1
    assert "is damaged" in alice.err


def test_a_place_that_cannot_be_written_is_told(
    shell: Shell, server: FakeServer, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    assert shell.run("login", "alice", "--url", server.url, stdin="alice-demo\n") == 1
    assert shell.err.startswith(f"angarium: cannot write {tmp_path}/config/angarium/login-")


def test_logins_are_kept_under_home_where_xdg_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    login = SavedLogin("http://x", "alice", "id", "token", 1)
    for environment in (
        {"HOME": str(tmp_path)},
        {"HOME": str(tmp_path), "XDG_CONFIG_HOME": "relative"},
    ):
        Credentials.of(environment).keep(login)
        assert Credentials.of(environment).find("http://x", None) == login
    assert [path.name for path in tmp_path.iterdir()] == [".config"]
    with pytest.raises(CommandError, match="set HOME or XDG_CONFIG_HOME"):
        Credentials.of({})


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials = Credentials.of({"XDG_CONFIG_HOME": str(tmp_path)})
    login = SavedLogin("http://x", "erin", "id", "token", 1)
    credentials.keep(login)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match=r"cannot write .*login-.*: No space left on device"):
        credentials.keep(SavedLogin("http://x", "erin", "id", "other", 2))
    assert len(list((tmp_path / "angarium").iterdir())) == 1
    assert credentials.find("http://x", None) == login


def test_a_token_is_never_in_a_representation() -> None:
    assert "hush" not in repr(SavedLogin("http://x", "alice", "id", "hush", 1))


def test_whoami_says_who_is_logged_in_where_and_until_when(
    alice: Shell, server: FakeServer
) -> None:
    until = alice.out.split(" until ")[1].strip()
    requests = len(server.requests)
    assert alice.run("whoami") == 0
    assert alice.out == f"alice at {server.url} until {until}\n"
    assert alice.run("whoami", "--json") == 0
    told = json.loads(alice.out)
    assert list(told) == ["username", "user_id", "url", "expires_at"]
    assert told["username"] == "alice"
    assert told["user_id"] == id_of("alice")
    assert told["url"] == server.url
    moment = datetime.fromisoformat(told["expires_at"])
    assert moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") == until
    assert told["expires_at"].endswith(".000Z")
    assert len(server.requests) == requests, "the server is not asked"


def test_whoami_without_a_login_fails(shell: Shell) -> None:
    assert shell.run("whoami") == 1
    assert shell.err.startswith("angarium: no one is logged in at http://127.0.0.1:8080: ")


@pytest.mark.parametrize("command", [["whoami"], ["inbox"]])
def test_what_to_type_names_the_server_that_was_named(
    alice: Shell, server: FakeServer, command: list[str]
) -> None:
    (file,) = folder_of(alice).iterdir()
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({**kept, "expires_at": 1_000_000_000}))
    server.tokens.clear()
    del alice.environment["ANGARIUM_URL"]
    alice.run(*command, "--url", server.url)
    assert f"log in again with `angarium login alice --url {server.url}`" in alice.out + alice.err


def test_whoami_says_that_a_login_has_expired_and_knows_old_files(
    alice: Shell, server: FakeServer
) -> None:
    (file,) = folder_of(alice).iterdir()
    kept = json.loads(file.read_text())
    file.write_text(json.dumps({**kept, "expires_at": 1_000_000_000}))
    assert alice.run("whoami") == 0
    assert alice.out.startswith(f"alice at {server.url}, expired at 2001-09-")
    assert "log in again with `angarium login alice`" in alice.out
    del kept["expires_at"]
    file.write_text(json.dumps(kept))
    assert alice.run("whoami") == 0
    assert alice.out == f"alice at {server.url}\n"
    assert alice.run("whoami", "--json") == 0
    assert json.loads(alice.out)["expires_at"] is None


def test_logout_forgets_one_login_and_keeps_the_others(alice: Shell, server: FakeServer) -> None:
    assert alice.run("login", "bob", stdin="bob-demo\n") == 0
    assert alice.run("logout") == 0
    assert alice.out == f"bob is logged out at {server.url}\n"
    assert alice.err == "alice is the login in use now\n"
    assert alice.run("whoami") == 0
    assert alice.out.startswith("alice at ")
    assert alice.run("logout", "bob") == 1
    assert "bob is not logged in at" in alice.err
    assert alice.run("logout", "alice", "--json") == 0
    assert json.loads(alice.out)["username"] == "alice"
    assert list(folder_of(alice).iterdir()) == []
    assert alice.run("logout") == 1
    assert alice.err.startswith("angarium: no one is logged in at ")


def test_logout_forgets_a_damaged_login(alice: Shell, server: FakeServer) -> None:
    (file,) = folder_of(alice).iterdir()
    file.write_text("{")
    assert alice.run("logout", "alice") == 0
    assert alice.out == f"alice is logged out at {server.url}\n"
    assert not file.exists()


def test_logout_of_two_names_is_refused(alice: Shell) -> None:
    assert alice.run("logout", "alice", "--as", "bob") == 2
    assert "NAME and --as are different users" in alice.err


def test_a_login_is_waited_for_longer_before_a_silent_server_is_told(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setattr(session, "SLOW_S", 0.0)
        monkeypatch.setattr(session, "TIMEOUT_S", 0.5)
        monkeypatch.setattr(session, "PATIENCE_S", 0.1)
        assert shell.run("login", "alice", "--url", url, stdin="alice-demo\n") == 1
    (line,) = shell.err.splitlines()
    assert line.startswith(f"angarium: cannot reach {url}: no answer within 0.5 s;")
