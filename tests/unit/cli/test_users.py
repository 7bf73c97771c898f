"""`angarium users` and `init`, on the embedded engine."""

import io
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from angarium.cli.console import Console
from angarium.cli.init import MANY_USERS
from angarium.cli.main import main
from angarium.config import DEMO_USERS
from angarium.domain.signing_secret import PUBLISHED_SECRET
from angarium.engines.embedded.database import Database
from angarium.engines.secrets.passwords import ScryptHasher
from tests.unit.cli.conftest import Shell, TerminalOutput
from tests.unit.cli.fake_service import id_of


def test_init_adds_the_configured_users_and_can_be_repeated(shell: Shell) -> None:
    for _ in range(2):
        assert shell.run("init", "--timeout", "5") == 0
        assert (
            shell.out
            == f"{shell.environment['ANGARIUM_DATA']} is ready; users: alice, bob, carol, dave, "
            "verify-1, verify-2, verify-3, verify-4\n"
        )
        assert shell.err == ""
    assert shell.run("users", "--json") == 0
    users = json.loads(shell.out)["users"]
    assert [(user["username"], user["user_id"]) for user in users] == [
        (user.username, id_of(user.username)) for user in DEMO_USERS
    ]


@pytest.mark.parametrize("made", [False, True])
@pytest.mark.parametrize(
    "argv", [("users",), ("users", "add", "erin"), ("dead", "list"), ("dead", "replay", "--all")]
)
def test_a_command_that_looks_at_data_makes_none(
    argv: tuple[str, ...], made: bool, shell: Shell
) -> None:
    data = Path(shell.environment["ANGARIUM_DATA"])
    if made:
        data.mkdir()
    assert shell.run(*argv) == 1
    assert shell.out == ""
    assert shell.err.startswith(
        f"angarium: there is no data in {data}: set ANGARIUM_DATA to its folder"
    )
    assert shell.err.count("\n") == 1
    assert list(data.parent.iterdir()) == [data] * made
    assert not made or not list(data.iterdir())


def test_users_are_listed_with_their_ids(shell: Shell) -> None:
    Database.open(Path(shell.environment["ANGARIUM_DATA"]), 12).close()
    assert shell.run("users") == 0
    assert shell.err == "there are no users yet: `angarium init` adds the configured ones\n"
    assert shell.run("users", "add", "erin", stdin="a good one\n") == 0
    assert shell.out == f"erin can log in ({id_of('erin')})\n"
    assert shell.run("users") == 0
    assert shell.out.startswith(f"erin  {id_of('erin')}  20")


def test_a_user_is_added_as_json_too(shell: Shell) -> None:
    Database.open(Path(shell.environment["ANGARIUM_DATA"]), 12).close()
    assert shell.run("users", "add", "erin", "--json", stdin="a good one\n") == 0
    body = json.loads(shell.out)
    assert (body["username"], body["user_id"]) == ("erin", id_of("erin"))
    assert body["created_at"].endswith("Z")
    assert shell.run("users", "--json") == 0
    assert json.loads(shell.out) == {"users": [body]}


def test_a_password_is_never_an_argument_or_empty(shell: Shell) -> None:
    Database.open(Path(shell.environment["ANGARIUM_DATA"]), 12).close()
    assert shell.run("users", "add", "erin", "secret") == 2
    assert shell.run("users", "add", "erin", stdin="\n") == 1
    assert (
        shell.err == "angarium: the password is empty; type one, or write it on a line of stdin\n"
    )


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("1234567", "has 7 bytes"),
        ("x" * 1025, "has 1,025 bytes"),
        ("a good\0one", "has U+0000 in it"),
    ],
)
def test_a_new_password_has_8_to_1024_bytes_and_no_zero(
    password: str, fault: str, shell: Shell
) -> None:
    Database.open(Path(shell.environment["ANGARIUM_DATA"]), 12).close()
    assert shell.run("users", "add", "erin", stdin=f"{password}\n") == 1
    assert shell.err == (
        f"angarium: the password {fault}; choose one of 8 to 1,024 bytes, without U+0000\n"
    )
    assert shell.run("users", "--json") == 0
    assert json.loads(shell.out) == {"users": []}


@pytest.mark.parametrize("password", ["x" * 1025, "a good\0one"])
def test_no_hash_is_printed_of_what_can_be_nobodys_password(password: str, shell: Shell) -> None:
    assert shell.run("users", "hash", stdin=f"{password}\n") == 1
    assert "choose one of 8 to 1,024 bytes" in shell.err


def test_what_became_of_a_user_is_said(shell: Shell) -> None:
    Database.open(Path(shell.environment["ANGARIUM_DATA"]), 12).close()
    for password, said in (
        ("a good one", "erin can log in"),
        ("another one", "erin has a new password"),
        ("another one", "erin has this password already"),
    ):
        assert shell.run("users", "add", "erin", stdin=f"{password}\n") == 0
        assert shell.out == f"{said} ({id_of('erin')})\n"


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_a_byte_order_mark_and_the_end_of_the_line_are_no_part_of_a_password(
    end: str, shell: Shell
) -> None:
    assert shell.run("users", "hash", stdin=f"\ufeffa good\ufeff one{end}") == 0
    assert ScryptHasher().verify("a good\ufeff one", shell.out.strip())


def test_a_hash_is_printed_for_the_users_file(shell: Shell, tmp_path: Path) -> None:
    assert shell.run("users", "hash", stdin="a good one\n") == 0
    password_hash = shell.out.strip()
    assert ScryptHasher().verify("a good one", password_hash)
    path = tmp_path / "users.json"
    path.write_text(json.dumps([{"username": "erin", "password_hash": password_hash}]))
    shell.environment["ANGARIUM_USERS"] = str(path)
    assert shell.run("init") == 0
    assert shell.out.endswith("users: erin\n")
    assert shell.run("users", "hash", "--json", stdin="a good one\n") == 0
    assert json.loads(shell.out)["password_hash"].startswith("$scrypt$")


def test_a_folder_that_cannot_be_used_is_told(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shell.environment["ANGARIUM_DATA"] = str(tmp_path / "file" / "data")
    assert shell.run("init") == 2
    assert shell.err.startswith("angarium: ")
    assert str(tmp_path / "file") in shell.err
    assert shell.err.count("\n") == 1


@pytest.fixture
def hardened(shell: Shell, tmp_path: Path) -> Iterator[Shell]:
    """A service that was tried out with demo users, and then given its
    own users and an open address.
    """
    Database.open(Path(shell.environment["ANGARIUM_DATA"]), 12).close()
    for name in ("alice", "bob"):
        assert shell.run("users", "add", name, stdin=f"{name}-demo\n") == 0
    path = tmp_path / "users.json"
    path.write_text(json.dumps([{"username": "erin", "password": "long and hard to guess"}]))
    shell.environment.update(ANGARIUM_HOST="0.0.0.0", ANGARIUM_USERS=str(path))
    # Whatever starts in spite of all ends at once, because its port is
    # taken.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        shell.environment["ANGARIUM_PORT"] = str(taken.getsockname()[1])
        yield shell


@pytest.mark.parametrize("command", ["init", "serve"])
def test_demo_users_of_an_earlier_start_keep_no_public_password_where_others_may_come(
    hardened: Shell, command: str
) -> None:
    assert hardened.run(command) == 2
    (line,) = hardened.err.splitlines()
    assert "'0.0.0.0'" in line
    assert "alice, bob" in line
    assert "angarium users add NAME" in line
    assert "ANGARIUM_DEMO=1" in line


def test_demo_users_with_new_passwords_may_stay(hardened: Shell) -> None:
    for name in ("alice", "bob"):
        assert hardened.run("users", "add", name, stdin="a new one\n") == 0
    assert hardened.run("init") == 0


@pytest.mark.parametrize("setting", [("ANGARIUM_DEMO", "1"), ("ANGARIUM_HOST", "127.0.0.1")])
def test_demo_users_stay_where_they_are_wanted_or_nobody_else_comes(
    hardened: Shell, setting: tuple[str, str]
) -> None:
    hardened.environment.update([setting])
    assert hardened.run("init") == 0


@pytest.mark.parametrize("command", ["init", "serve"])
def test_hashes_of_unaccepted_strength_are_all_told_before_anything_is_made(
    command: str, shell: Shell, tmp_path: Path
) -> None:
    weak = (
        "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
    )
    users = [{"username": name, "password_hash": weak} for name in ("erin", "frank")]
    path = tmp_path / "users.json"
    path.write_text(json.dumps([{"username": "zoe", "password": "a good one"}, *users]))
    shell.environment["ANGARIUM_USERS"] = str(path)
    assert shell.run(command) == 2
    erin, frank = shell.err.splitlines()
    assert erin.startswith("angarium: ANGARIUM_USERS is ")
    assert "(erin)" in erin
    assert "(frank)" in frank
    assert not Path(shell.environment["ANGARIUM_DATA"]).exists()


def test_init_says_how_far_it_is_when_there_are_many_users(shell: Shell, tmp_path: Path) -> None:
    console = Console(io.StringIO(), io.StringIO(), TerminalOutput(), shell.environment)
    path = tmp_path / "users.json"
    password_hash = ScryptHasher().hash("a good one")
    users = [
        {"username": f"u{number}", "password_hash": password_hash} for number in range(MANY_USERS)
    ]
    path.write_text(json.dumps(users))
    shell.environment["ANGARIUM_USERS"] = str(path)
    assert main(["init"], console) == 0
    assert isinstance(console.stderr, TerminalOutput)
    progress = [line.split("\x1b")[0] for line in console.stderr.getvalue().split("\r")]
    assert f"1 of {MANY_USERS} users are ready" in progress
    assert progress[-1] == ""


def test_the_published_secret_in_the_data_folder_is_not_served_with_where_others_may_come(
    hardened: Shell,
) -> None:
    for name in ("alice", "bob"):
        assert hardened.run("users", "add", name, stdin="a new one\n") == 0
    secret = Path(hardened.environment["ANGARIUM_DATA"]) / "jwt_secret"
    secret.write_text(PUBLISHED_SECRET)
    secret.chmod(0o600)
    assert hardened.run("serve") == 2
    (line,) = hardened.err.splitlines()
    assert "'0.0.0.0', which other machines may reach" in line
    assert f"{secret} contains the published demo secret" in line


def test_stored_demo_passwords_that_are_configured_anew_keep_no_service_from_starting(
    hardened: Shell, tmp_path: Path
) -> None:
    users = [{"username": name, "password": "long and hard to guess"} for name in ("alice", "bob")]
    (tmp_path / "users.json").write_text(json.dumps(users))
    assert hardened.run("serve") == 2
    # Whatever is not refused before finds its port taken.
    assert "cannot be listened on" in hardened.err
