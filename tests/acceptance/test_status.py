"""`angarium status` beside a running service on the embedded engine."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.caller import Caller
from tests.acceptance.service import Service, run_cli, until

PARTITIONS = list(range(12))


def status(service: Service) -> Any:
    done = run_cli("status", "--json", ANGARIUM_DATA=service.settings["ANGARIUM_DATA"])
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


@pytest.fixture
def lazy(folder: Path) -> Service:
    """A service that accepts and applies nothing, until it is started
    again with other arguments.
    """
    return Service(folder, ("serve", "--no-worker"))


def instances_of_records(service: Service) -> set[str]:
    path = Path(service.settings["ANGARIUM_DATA"]) / "angarium.db"
    with closing(sqlite3.connect(path)) as connection:
        return {
            json.loads(headers)["instance"]
            for (headers,) in connection.execute("SELECT headers FROM log")
        }


def storing_instances(service: Service) -> set[object]:
    return {line["instance"] for line in service.log_lines() if line["action"] == "message_stored"}


def test_without_a_worker_messages_wait_until_a_later_service_applies_them(lazy: Service) -> None:
    lazy.start()
    try:
        assert lazy.next_line() == "no worker runs: messages are accepted and wait in the log\n"
        with Caller(lazy.url).log_in("alice") as alice:
            conversation = alice.open_conversation("bob")
            for number in range(5):
                assert alice.send(conversation, f"{number}").status == 202
            assert alice.call("GET", "/health/ready").status == 200
            assert alice.history(conversation) == []
            waiting = status(lazy)
            assert (waiting["records"], waiting["lag"], waiting["members"]) == (5, 5, [])
            assert {each["owner"] for each in waiting["partitions"]} == {None}
            assert {each["committed"] for each in waiting["partitions"]} == {None}
            assert waiting["store"]["status"] == "ok"
            assert alice.history(conversation) == []
        lazy.terminate()

        lazy.arguments = ("serve",)
        lazy.start()
        name = f"{os.uname().nodename}-{lazy.process.pid}"
        until(lambda: status(lazy)["lag"] == 0, "the worker has applied everything")
        drained = status(lazy)
        assert drained["members"] == [{"instance": name, "partitions": PARTITIONS}]
        assert {each["owner"] for each in drained["partitions"]} == {name}
        (used,) = [each for each in drained["partitions"] if each["end"]]
        assert (used["committed"], used["lag"]) == (5, 0)
        assert used["watermark"].endswith("Z")
        with Caller(lazy.url).log_in("alice") as alice:
            found = [each["content"] for each in alice.history(conversation)]
        assert found == ["0", "1", "2", "3", "4"]
        until(lambda: storing_instances(lazy) == {name}, "the log lines have the same name")
    finally:
        lazy.close()


def test_every_record_names_the_instance_of_the_log_lines_about_it(lazy: Service) -> None:
    lazy.start()
    try:
        with Caller(lazy.url).log_in("alice") as alice:
            assert alice.send(alice.open_conversation("bob"), "hello").status == 202
        lazy.terminate()
        lines = [each for each in lazy.log_lines() if each["action"] == "message_accepted"]
        assert instances_of_records(lazy) == {line["instance"] for line in lines}
    finally:
        lazy.close()


def test_a_service_that_was_killed_owns_nothing(lazy: Service) -> None:
    lazy.arguments = ("serve",)
    lazy.start()
    try:
        assert len(status(lazy)["members"]) == 1
        lazy.kill()
        killed = status(lazy)
        assert killed["members"] == []
        assert {each["owner"] for each in killed["partitions"]} == {None}
        lazy.start()
        assert len(status(lazy)["members"]) == 1
    finally:
        lazy.close()
