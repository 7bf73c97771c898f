"""The tests' own servers do what the other tests rely on."""

import os
import socket
import subprocess
import sys
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from angarium.engines.kafka.connection import KafkaConnectionSettings
from tests.acceptance.service import until
from tests.engines.jars import jars
from tests.engines.java import within_timer_slack
from tests.engines.kafka_server import KafkaServer
from tests.engines.kafka_topics import delete_topics, make_topics
from tests.engines.missing import Missing
from tests.engines.ports import free_port
from tests.engines.processes import ServerProcess

PATIENCE_S = 30.0


def _answers(address: str, request: bytes, patience: float) -> bool:
    host, port = address.rsplit(":", 1)
    try:
        with socket.create_connection((host, int(port)), timeout=patience) as connection:
            connection.sendall(request)
            return connection.recv(1) != b""
    except OSError:
        return False


def _kafka_answers(address: str, patience: float = PATIENCE_S) -> bool:
    api_versions = bytes.fromhex("0000000a 0012 0000 00000001 ffff".replace(" ", ""))
    return _answers(address, api_versions, patience)


@pytest.mark.engines
def test_a_broker_answers_on_both_listeners(kafka_server: KafkaServer) -> None:
    assert _kafka_answers(kafka_server.address)
    assert _kafka_answers(kafka_server.sasl_address)


@pytest.mark.engines
def test_a_frozen_broker_takes_connections_and_answers_when_it_goes_on(
    kafka_server: KafkaServer,
) -> None:
    kafka_server.freeze()
    assert not _kafka_answers(kafka_server.address, patience=0.5)
    kafka_server.resume()
    assert _kafka_answers(kafka_server.address)


@pytest.mark.engines
def test_a_killed_broker_comes_back_at_its_address(kafka_server: KafkaServer) -> None:
    address = kafka_server.address
    kafka_server.kill()
    assert not _kafka_answers(address)
    kafka_server.start()
    assert kafka_server.address == address
    assert _kafka_answers(address)


@pytest.mark.engines
def test_a_deleted_topic_leaves_no_log_that_a_killed_broker_checks(
    kafka_server: KafkaServer,
) -> None:
    connection, topic = (
        KafkaConnectionSettings((kafka_server.address,)),
        f"messages-{uuid4().hex[:8]}",
    )
    logs = partial((kafka_server.folder / "data").glob, f"{topic}*")
    make_topics(connection, topic, 4)
    assert list(logs())
    delete_topics(connection, topic)
    until(lambda: not list(logs()), "the logs are gone", PATIENCE_S)


def test_a_port_is_given_out_once() -> None:
    assert len({free_port() for _ in range(50)}) == 50


def test_without_maven_the_advice_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pom = tmp_path / "some-pom.xml"
    pom.write_text("<project/>")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Missing, match="install Java 17 and Maven"):
        jars(pom, tmp_path / "cache")
    assert [entry.suffix for entry in (tmp_path / "cache").iterdir()] == [".lock"]


def test_jars_that_are_there_are_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pom = tmp_path / "some-pom.xml"
    pom.write_text("<project/>")
    with monkeypatch.context() as machine:
        machine.setenv("PATH", "")
        with pytest.raises(Missing):
            jars(pom, tmp_path / "cache")
    (lock,) = (tmp_path / "cache").iterdir()
    lock.with_suffix("").mkdir()
    assert jars(pom, tmp_path / "cache") == lock.with_suffix("")


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="looks where Linux shows a process's state"
)
def test_a_frozen_server_stands_still_from_then_on(tmp_path: Path) -> None:
    spin = "import itertools\nfor _ in itertools.count(): pass"
    server = ServerProcess("spinner", [sys.executable, "-c", spin], tmp_path / "log", os.environ)
    state = Path("/proc", str(server.pid), "stat")
    for _ in range(100):
        server.freeze()
        assert state.read_text().rpartition(")")[2].split()[0] == "T"
        server.resume()
    server.kill()
    server.freeze()
    assert not server.alive


def test_a_server_does_not_outlive_the_process_that_started_it(tmp_path: Path) -> None:
    start = (
        "import os, pathlib, time\n"
        "from tests.engines.processes import ServerProcess\n"
        f"log = pathlib.Path({str(tmp_path)!r}, 'log')\n"
        "server = ServerProcess('sleep', ['sleep', '600'], log, os.environ)\n"
        "print(server.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", start], stdout=subprocess.PIPE, text=True)
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.kill()
    until(lambda: not _runs(pid), f"process {pid} ends", PATIENCE_S)


def _runs(pid: int) -> bool:
    shown = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(shown.stdout.strip()) and not shown.stdout.startswith("Z")


@pytest.mark.skipif(not Path("/proc/self/timerslack_ns").exists(), reason="a setting of Linux")
def test_a_server_may_be_woken_later_than_it_asks() -> None:
    command = (*within_timer_slack(200_000), "cat", "/proc/self/timerslack_ns")
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"200000\n"


def test_where_the_system_does_not_let_it_wait_longer_it_runs_all_the_same() -> None:
    command = (*within_timer_slack(-1), "echo", "it runs")
    done = subprocess.run(command, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"it runs\n", b"")
