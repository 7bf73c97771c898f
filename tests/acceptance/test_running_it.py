"""Starting, stopping and refusing to start."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.caller import Caller
from tests.acceptance.service import PATIENCE, Service, environment, run_cli, running, until
from tests.engines.ports import free_port


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_and_the_data_stays(folder: Path, stop: signal.Signals) -> None:
    service = Service(folder).start()
    try:
        alice = Caller(service.url).log_in("alice")
        conversation = alice.open_conversation("bob")
        assert alice.send(conversation, "kept").status == 202
        service.process.send_signal(stop)
        assert service.process.wait(PATIENCE) == 0
        alice.close()

        service.start()
        alice = Caller(service.url).log_in("alice")
        assert [message["content"] for message in alice.history(conversation)] == ["kept"]
        alice.close()
        assert service.terminate() == 0
    finally:
        service.close()
    actions = [line["action"] for line in service.log_lines()]
    assert actions.count("started") == 2
    assert actions.count("stopped") == 2


def test_the_first_command_that_it_prints_works_when_pasted(folder: Path) -> None:
    with running(folder) as service:
        assert service.next_line() == (
            "demo users: alice, bob, carol, dave; the password of each is NAME-demo\n"
        )
        assert service.next_line() == "try it in another terminal:\n"
        pasted = subprocess.run(
            ["/bin/sh", "-c", service.next_line()],
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
        assert json.loads(pasted.stdout)["token_type"] == "Bearer"
        assert service.next_line() == f"or in a browser: {service.url}/\n"


def test_without_the_page_no_browser_is_sent_to_it(folder: Path) -> None:
    with running(folder, ANGARIUM_PAGE="0") as service:
        said = [service.next_line() for _ in range(3)]
        assert service.terminate() == 0
        said.append(service.next_line())
    assert not any("browser" in line for line in said)


def test_an_accepted_message_is_stored_before_a_stop_ends(folder: Path) -> None:
    with running(folder) as service:
        alice = Caller(service.url).log_in("alice")
        conversation = alice.open_conversation("bob")
        for number in range(50):
            assert alice.send(conversation, str(number)).status == 202
        alice.close()
        assert service.terminate() == 0
        stored = [line for line in service.log_lines() if line["action"] == "message_stored"]
        assert len(stored) == 50


def test_a_second_serve_on_the_same_folder_is_refused(service: Service) -> None:
    data = service.settings["ANGARIUM_DATA"]
    second = run_cli("serve", ANGARIUM_PORT="0", ANGARIUM_DATA=data)
    assert second.returncode == 2
    assert data in second.stderr
    assert str(service.process.pid) in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_a_port_in_use_is_a_clear_error(service: Service, folder: Path) -> None:
    second = run_cli("serve", ANGARIUM_PORT=str(service.port), ANGARIUM_DATA=str(folder / "other"))
    assert second.returncode == 2
    assert str(service.port) in second.stderr
    assert "ANGARIUM_PORT" in second.stderr
    assert "Traceback" not in second.stderr


def test_every_wrong_setting_is_named_at_once_and_nothing_starts(folder: Path) -> None:
    data = folder / "data"
    wrong = run_cli(
        "serve",
        ANGARIUM_DATA=str(data),
        ANGARIUM_PORT="http",
        ANGARIUM_PARTITIONS="0",
        ANGARIUM_TOKEN_TTL="soon",
    )
    assert wrong.returncode == 2
    for name in ("ANGARIUM_PORT", "ANGARIUM_PARTITIONS", "ANGARIUM_TOKEN_TTL"):
        assert name in wrong.stderr
    assert not data.exists()


def test_init_says_in_one_line_that_no_broker_answers() -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    done = run_cli(
        *("init", "--timeout", "3"),
        ANGARIUM_KAFKA=nowhere,
        ANGARIUM_CASSANDRA=nowhere,
        ANGARIUM_JWT_SECRET="a key of thirty-two bytes or more",
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"angarium: Kafka at {nowhere} could not be prepared within 3 s ")
    assert "check ANGARIUM_KAFKA" in line


def test_another_partition_count_on_existing_data_is_refused(folder: Path) -> None:
    with running(folder) as service:
        service.terminate()
    changed = run_cli(
        "serve", ANGARIUM_PORT="0", ANGARIUM_DATA=str(folder / "data"), ANGARIUM_PARTITIONS="7"
    )
    assert changed.returncode == 2
    assert "ANGARIUM_PARTITIONS" in changed.stderr
    assert "12" in changed.stderr


def test_demo_users_are_refused_on_an_address_that_others_can_reach(folder: Path) -> None:
    refused = run_cli(
        "serve", ANGARIUM_HOST="0.0.0.0", ANGARIUM_PORT="0", ANGARIUM_DATA=str(folder / "data")
    )
    assert refused.returncode == 2
    assert "ANGARIUM_USERS" in refused.stderr
    assert "ANGARIUM_DEMO" in refused.stderr


def test_a_user_added_while_it_runs_can_log_in_at_once(service: Service) -> None:
    data = service.settings["ANGARIUM_DATA"]
    added = run_cli("users", "add", "erin", stdin="correct horse\n", ANGARIUM_DATA=data)
    assert added.returncode == 0, added.stderr
    erin = Caller(service.url).log_in("erin", "correct horse")
    assert erin.call("GET", "/v1/users/me").text("username") == "erin"
    erin.close()


def test_configured_users_replace_the_demo_users(folder: Path) -> None:
    users = folder / "users.json"
    users.write_text(json.dumps([{"username": "zoe", "password": "a good one"}]))
    with running(folder, ANGARIUM_USERS=str(users)) as service, Caller(service.url) as caller:
        caller.log_in("zoe", "a good one")
        stranger = caller.call(
            "POST", "/auth/token", {"username": "alice", "password": "alice-demo"}
        )
        assert stranger.status == 401


def test_what_is_secret_in_the_data_folder_is_the_owners_alone(service: Service) -> None:
    data = Path(service.settings["ANGARIUM_DATA"])
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE((data / "jwt_secret").stat().st_mode) == 0o600
    assert stat.S_IMODE((data / "angarium.db").stat().st_mode) == 0o600


def test_tokens_outlive_a_restart(folder: Path) -> None:
    with running(folder) as service:
        alice = Caller(service.url).log_in("alice")
        alice.close()
        service.terminate()
        service.start()
        assert alice.call("GET", "/v1/users/me").status == 200
        alice.close()


def test_a_greeting_that_nobody_reads_is_no_reason_not_to_serve(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    log = folder / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "angarium", "serve"],
            env=environment(ANGARIUM_PORT="0", ANGARIUM_DATA=str(folder / "data")),
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=stderr,
        )
    os.close(writing)
    try:
        until(
            lambda: '"action":"greeting_unwritten"' in log.read_text(), "a word about the greeting"
        )
        started = next(
            line for line in map(json.loads, log.read_text().splitlines()) if "url" in line
        )
        with Caller(started["url"]) as alice:
            conversation = alice.log_in("alice").open_conversation("bob")
            assert alice.send(conversation, "served").status == 202
            until(
                lambda: len(alice.history(conversation)) == 1, "the message, stored by the worker"
            )
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["action"] for line in lines].count("stopped") == 1
