"""A thousand configured users with plain passwords: each is let in at
once, whenever the service dies.
"""

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.caller import Caller
from tests.acceptance.service import PATIENCE, Service, run_cli, until

USERS = 1_000
"""So many hashes take minutes; nothing here waits for them."""


@pytest.fixture
def service(folder: Path) -> Service:
    users = [
        {"username": f"u{number}", "password": f"good one {number}"} for number in range(USERS)
    ]
    (folder / "users.json").write_text(json.dumps(users))
    return Service(folder, ANGARIUM_USERS=str(folder / "users.json"))


def hashed(service: Service) -> int:
    """Count the users whose password is hashed already."""
    database = Path(service.settings["ANGARIUM_DATA"]) / "angarium.db"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        query = "SELECT count(*) FROM users WHERE password_hash LIKE '$scrypt$%'"
        (count,) = connection.execute(query).fetchone()
    return int(count)


def assert_lets_in(service: Service, number: int) -> None:
    with Caller(service.url) as caller:
        wrong = {"username": f"u{number}", "password": f"good one {number + 1}"}
        assert caller.call("POST", "/auth/token", wrong).status == 401
        caller.log_in(f"u{number}", f"good one {number}")
        assert caller.call("GET", "/v1/users/me").text("username") == f"u{number}"


def test_everybody_is_let_in_while_passwords_are_hashed_and_after_a_kill(service: Service) -> None:
    try:
        service.start()
        assert_lets_in(service, 0)
        assert_lets_in(service, USERS - 1)
        assert hashed(service) < USERS, "nothing is shown when all are hashed already"
        until(lambda: hashed(service) > 0, "the first hash")
        service.kill()
        before = hashed(service)
        service.start()
        assert_lets_in(service, 0)
        assert_lets_in(service, USERS - 1)
        until(lambda: hashed(service) > before, "the next hash")
        data = service.settings["ANGARIUM_DATA"]
        last = f"u{USERS - 1}"
        changed = run_cli("users", "add", last, stdin="another one\n", ANGARIUM_DATA=data)
        assert (changed.returncode, changed.stderr) == (0, "")
        assert changed.stdout.startswith(f"{last} has a new password")
        with Caller(service.url) as caller:
            caller.log_in(last, "another one")
    finally:
        service.close()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_waits_for_no_more_than_the_password_in_hand(
    service: Service, stop: signal.Signals
) -> None:
    try:
        service.start()
        os.kill(service.process.pid, stop)
        assert service.process.wait(PATIENCE) == 0
        assert hashed(service) < USERS
    finally:
        service.close()
