"""What may be said to which command, and of what settings it warns."""

import json
import socket
from pathlib import Path

import pytest

from angarium.config import DEMO_USERS, ConfiguredUser, Settings
from angarium.domain.signing_secret import PUBLISHED_SECRET
from tests.unit.config.environments import KAFKA, SECRET, problems_of


@pytest.fixture
def own_users(tmp_path: Path) -> dict[str, str]:
    """A users file whose passwords nobody knows."""
    path = tmp_path / "users.json"
    path.write_text(json.dumps([{"username": "erin", "password": "long and hard to guess"}]))
    return {"ANGARIUM_USERS": str(path)}


def test_serve_runs_on_the_embedded_engine_only() -> None:
    Settings.from_env({}, command="serve")
    (problem,) = problems_of(KAFKA, "serve")
    assert problem.startswith(
        "ANGARIUM_KAFKA and ANGARIUM_CASSANDRA are set, but `serve` runs on the embedded"
    )


@pytest.mark.parametrize("command", ["api", "worker"])
def test_instances_run_on_kafka_and_cassandra_only(command: str) -> None:
    Settings.from_env(KAFKA, command=command)
    servers, secret = problems_of({}, command)
    assert f"are not set, but `{command}` runs on both" in servers
    assert secret.startswith("ANGARIUM_JWT_SECRET is not set")
    assert problems_of({"ANGARIUM_JWT_SECRET": SECRET}, command) == (servers,)


UNFIT: list[tuple[str, dict[str, str], list[str]]] = [
    ("serve", {"HOST": "0.0.0.0", "PORT": "x"}, ["PORT", "HOST"]),
    ("serve", {"KAFKA": "nowhere", "CASSANDRA": "c:1", "JWT_SECRET": SECRET}, ["KAFKA", "KAFKA"]),
    ("serve", {"KAFKA": "k:1", "JWT_SECRET": SECRET}, ["KAFKA"]),
    ("api", {"PORT": "x"}, ["PORT", "KAFKA", "JWT_SECRET"]),
    ("api", {"KAFKA": "nowhere", "CASSANDRA": "c:1"}, ["KAFKA", "JWT_SECRET"]),
    ("worker", {"CASSANDRA": "c:1"}, ["CASSANDRA", "JWT_SECRET"]),
    ("init", {"HOST": "0.0.0.0", "USERS": "/nowhere"}, ["USERS"]),
]


@pytest.mark.parametrize(("command", "given", "heads"), UNFIT)
def test_what_does_not_fit_a_command_is_reported_with_everything_else_and_once(
    command: str, given: dict[str, str], heads: list[str]
) -> None:
    problems = problems_of({f"ANGARIUM_{name}": text for name, text in given.items()}, command)
    assert [problem.split()[0].removeprefix("ANGARIUM_") for problem in problems] == heads


@pytest.mark.parametrize("environment", [{}, KAFKA])
def test_init_prepares_either_engine(environment: dict[str, str]) -> None:
    assert Settings.from_env(environment, command="init").users is DEMO_USERS


@pytest.mark.parametrize(
    ("consistency", "replication"), [("LOCAL_ONE", 2), ("ONE", 3), ("TWO", 4), ("THREE", 6)]
)
def test_a_consistency_at_which_a_read_may_miss_a_write_is_warned_of(
    consistency: str, replication: int
) -> None:
    levels = {"ANGARIUM_CONSISTENCY": consistency, "ANGARIUM_REPLICATION": str(replication)}
    (warning,) = Settings.from_env(KAFKA | levels).warnings
    assert (
        f"ANGARIUM_CONSISTENCY is {consistency}, but ANGARIUM_REPLICATION is {replication}"
        in warning
    )
    assert Settings.from_env(levels).warnings == ()


@pytest.mark.parametrize(
    ("consistency", "replication"),
    [("LOCAL_QUORUM", 2), ("QUORUM", 3), ("ALL", 9), ("TWO", 3), ("THREE", 5)],
)
def test_a_consistency_at_which_every_read_meets_every_write_is_not(
    consistency: str, replication: int
) -> None:
    levels = {"ANGARIUM_CONSISTENCY": consistency, "ANGARIUM_REPLICATION": str(replication)}
    assert Settings.from_env(KAFKA | levels).warnings == ()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "chat.example.org"])
def test_demo_users_are_not_served_to_others(host: str) -> None:
    (problem,) = problems_of({"ANGARIUM_HOST": host}, "serve")
    assert problem.startswith(f"ANGARIUM_HOST is '{host}', which other machines may reach")
    assert "ANGARIUM_USERS" in problem
    assert "ANGARIUM_DEMO=1" in problem


@pytest.mark.parametrize(
    "published", ["0.0.0.0", "192.168.1.5", "[2001:db8::1]", "chat.example.org"]
)
@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_the_published_address_counts_and_not_the_containers(host: str, published: str) -> None:
    environment = {"ANGARIUM_HOST": host, "ANGARIUM_PUBLISHED_HOST": published}
    (problem,) = problems_of(environment, "serve")
    shown = published.strip("[]")
    assert problem.startswith("ANGARIUM_PUBLISHED_HOST (under Compose: ANGARIUM_HOST of .env) is")
    assert f"'{shown}', which other machines may reach" in problem
    assert Settings.from_env({**environment, "ANGARIUM_DEMO": "1"}, command="serve").demo


@pytest.mark.parametrize("published", ["127.0.0.1", "localhost", "[::1]"])
def test_what_is_published_on_this_machine_alone_has_demo_users(published: str) -> None:
    environment = {"ANGARIUM_HOST": "0.0.0.0", "ANGARIUM_PUBLISHED_HOST": published}
    assert Settings.from_env(environment, command="serve").users is DEMO_USERS


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", "localhost"]
)
def test_demo_users_are_served_on_this_machine(host: str) -> None:
    assert Settings.from_env({"ANGARIUM_HOST": host}, command="serve").users is DEMO_USERS


@pytest.mark.parametrize(
    ("found", "others_reach_it"),
    [
        (["::1"], False),
        (["::1", "127.0.0.1"], False),
        (["::1", "2001:db8::1"], True),
        (["::"], True),
    ],
)
def test_a_name_is_judged_by_all_its_addresses(
    found: list[str], others_reach_it: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lookup(
        host: str, *_: object, **__: object
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        assert host == "six"
        return [(0, 0, 0, "", (address, 0)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    if others_reach_it:
        assert problems_of({"ANGARIUM_HOST": "six"}, "serve")
    else:
        assert Settings.from_env({"ANGARIUM_HOST": "six"}, command="serve").users is DEMO_USERS


def test_demo_users_are_served_to_others_when_asked_for() -> None:
    environment = {"ANGARIUM_HOST": "0.0.0.0", "ANGARIUM_DEMO": "1"}
    assert Settings.from_env(environment, command="serve").users is DEMO_USERS


def test_own_users_are_served_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text(json.dumps([{"username": "erin", "password": "long and hard to guess"}]))
    environment = {"ANGARIUM_HOST": "0.0.0.0", "ANGARIUM_USERS": str(path)}
    settings = Settings.from_env(environment, command="serve")
    assert settings.users == (ConfiguredUser("erin", "long and hard to guess"),)


def test_a_worker_serves_nobody_so_demo_users_do_not_matter_to_it() -> None:
    Settings.from_env({**KAFKA, "ANGARIUM_HOST": "0.0.0.0"}, command="worker")


@pytest.mark.parametrize("command", ["serve", "api", "worker", "init"])
@pytest.mark.parametrize("demo", [{}, {"ANGARIUM_DEMO": "0"}])
@pytest.mark.parametrize("exposed", ["ANGARIUM_HOST", "ANGARIUM_PUBLISHED_HOST"])
@pytest.mark.parametrize("secret", [PUBLISHED_SECRET, f" {PUBLISHED_SECRET} "])
def test_the_published_secret_is_refused_by_name_wherever_others_may_come(
    command: str, demo: dict[str, str], exposed: str, secret: str, own_users: dict[str, str]
) -> None:
    servers = {} if command == "serve" else KAFKA
    environment = {
        **servers,
        **demo,
        **own_users,
        exposed: "192.0.2.7",
        "ANGARIUM_JWT_SECRET": secret,
    }
    (problem,) = problems_of(environment, command)
    assert problem.startswith(f"{exposed} ")
    assert "ANGARIUM_JWT_SECRET is the published demo secret" in problem
    assert "ANGARIUM_DEMO=1" in problem
    assert PUBLISHED_SECRET not in problem
    assert Settings.from_env({**environment, "ANGARIUM_DEMO": "1"}, command=command).demo


@pytest.mark.parametrize("command", ["serve", "api", "worker", "init"])
def test_the_published_secret_is_good_for_trying_out_on_one_machine(command: str) -> None:
    servers = {} if command == "serve" else KAFKA
    Settings.from_env({**servers, "ANGARIUM_JWT_SECRET": PUBLISHED_SECRET}, command=command)


@pytest.mark.parametrize("command", ["serve", "api", "init"])
def test_demo_passwords_in_a_file_of_ones_own_are_refused_wherever_others_may_come(
    command: str, tmp_path: Path
) -> None:
    path = tmp_path / "users.json"
    passwords = {"alice": "alice-demo", "bob": "long and hard to guess", "erin": "erin-demo"}
    path.write_text(
        json.dumps([{"username": name, "password": each} for name, each in passwords.items()])
    )
    servers = {} if command == "serve" else KAFKA
    environment = {**servers, "ANGARIUM_USERS": str(path)}
    (problem,) = problems_of({**environment, "ANGARIUM_HOST": "0.0.0.0"}, command)
    assert "everybody knows the passwords of alice, erin in ANGARIUM_USERS" in problem
    Settings.from_env(
        {**environment, "ANGARIUM_HOST": "0.0.0.0", "ANGARIUM_DEMO": "1"}, command=command
    )
    Settings.from_env(environment, command=command)


def test_everything_that_everybody_knows_is_told_at_once() -> None:
    environment = {"ANGARIUM_HOST": "0.0.0.0", "ANGARIUM_JWT_SECRET": PUBLISHED_SECRET}
    secret, users = problems_of(environment, "serve")
    assert "ANGARIUM_JWT_SECRET" in secret
    assert "demo users" in users


@pytest.mark.parametrize("name", ["docker-compose.yml", ".env.example"])
def test_the_published_secret_is_the_one_that_is_published(name: str) -> None:
    assert PUBLISHED_SECRET in (Path(__file__).parents[3] / name).read_text()
