"""From one machine to a cluster and back, as processes."""

import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.bulk_loader import read_marker
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.kafka.connection import KafkaConnectionSettings
from tests.acceptance import moving
from tests.acceptance.service import PATIENCE, Service, environment, run_cli, running, until
from tests.acceptance.test_transfer import content, export, import_, sample
from tests.engines.addresses import contact_points
from tests.engines.cassandra_sessions import connected
from tests.engines.kafka_topics import delete_topics

pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]

LONG = 5 * PATIENCE
"""Bound of what takes thousands of writes on busy servers."""

Settings = Mapping[str, str]


@pytest.fixture
def servers(kafka: str, cassandra: str) -> Iterator[Settings]:
    """Give the settings of an empty topic and keyspace."""
    name = f"transfer_{uuid4().hex[:8]}"
    settings = {
        "ANGARIUM_KAFKA": kafka,
        "ANGARIUM_CASSANDRA": cassandra,
        "ANGARIUM_TOPIC": name,
        "ANGARIUM_KEYSPACE": name,
        "ANGARIUM_GROUP": name,
        "ANGARIUM_PARTITIONS": "3",
        "ANGARIUM_JWT_SECRET": "a key of thirty-two bytes or more",
        "ANGARIUM_PORT": "0",
    }
    done = command(settings, "init")
    assert done.returncode == 0, done.stderr
    yield settings
    delete_topics(KafkaConnectionSettings((kafka,)), name)
    built = clusters.build(CassandraAddress(contact_points(cassandra), name))
    built.connect().execute(f'DROP KEYSPACE "{name}"', timeout=60)
    built.shutdown()


def command(settings: Settings, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run one command on the servers."""
    return subprocess.run(
        [sys.executable, "-m", "angarium", *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )


@contextmanager
def watched(settings: Settings) -> Iterator[CassandraSession]:
    """Give a session that sees the keyspace."""
    points = contact_points(settings["ANGARIUM_CASSANDRA"])
    address = CassandraAddress(points, settings["ANGARIUM_KEYSPACE"])
    with closing(connected(address)) as session:
        yield session


def instances(folder: Path, settings: Settings) -> list[Service]:
    """Start an API and a worker."""
    made = []
    for name in ("worker", "api"):
        (folder / name).mkdir(parents=True)
        made.append(Service(folder / name, (name,), **settings).start())
    return made


def test_from_one_machine_to_a_cluster_and_back(tmp_path: Path, servers: Settings) -> None:
    there, back = tmp_path / "there.jsonl", tmp_path / "back.jsonl"
    with running(tmp_path / "from") as service:
        moving.talk(service.url)
        before = {name: moving.look(service.url, name) for name in ("alice", "bob")}
        export(tmp_path / "from", there)
    done = command(servers, "import", str(there))
    assert (done.returncode, done.stderr) == (0, "")
    done = command(servers, "import", str(there))
    assert done.returncode == 0
    assert done.stderr.startswith("all of it was there already")
    assert command(servers, "export", str(back)).returncode == 0
    assert content(back) == content(there)
    worker, api = instances(tmp_path / "servers", servers)
    try:
        moving.require_the_same(api.url, before)
        moving.require_life_goes_on(api.url, before, turn="on the cluster")
        refused = command(servers, "import", str(there))
        assert refused.returncode == 1
        assert "is in use by" in refused.stderr
        moved = {name: moving.look(api.url, name) for name in ("alice", "bob")}
        assert command(servers, "export", str(back)).returncode == 0
    finally:
        worker.close()
        api.close()
    done = import_(tmp_path / "to", back)
    assert done.returncode == 0, done.stderr
    with running(tmp_path / "to") as service:
        moving.require_the_same(service.url, moved)
        moving.require_life_goes_on(service.url, moved, turn="at home again")


def test_an_import_that_is_killed_refuses_a_service_and_ends_well(
    tmp_path: Path, servers: Settings
) -> None:
    file, again = tmp_path / "export.jsonl", tmp_path / "again.jsonl"
    file.write_bytes(sample(9_000, conversations=60))
    with watched(servers) as session:
        for lines in sorted(random.sample(range(8_000), 2)):
            with subprocess.Popen(
                [sys.executable, "-m", "angarium", "import", str(file)],
                env=environment(**servers),
            ) as process:
                until(partial(is_so_far, session, process, lines), "the import is so far", LONG)
                process.kill()
        found = read_marker(session)
    assert found is not None
    if not found.is_finished:
        for name in ("api", "worker", "export"):
            refused = command(servers, name)
            assert refused.returncode == 2
            assert "holds an import that has not ended" in refused.stderr
    done = command(servers, "import", str(file))
    assert done.returncode == 0, done.stderr
    assert command(servers, "export", str(again)).returncode == 0
    # `init` has added the configured users, who were not in the file.
    assert set(content(file)) - set(content(again)) == set()
    assert without_users(again) == without_users(file)


def without_users(file: Path) -> list[str]:
    """Return the lines of conversations and messages."""
    return [line for line in content(file) if '"username"' not in line]


def is_so_far(session: CassandraSession, process: "subprocess.Popen[bytes]", lines: int) -> bool:
    """Return whether so many lines are durable, or it has ended."""
    found = read_marker(session)
    return process.poll() is not None or (found is not None and found.lines >= lines)


def test_a_group_without_a_commit_begins_behind_what_was_imported(
    tmp_path: Path, servers: Settings
) -> None:
    """Another group has no commit, nor has one that Kafka forgot."""
    with running(tmp_path / "from") as service:
        moving.talk(service.url)
        export(tmp_path / "from", tmp_path / "export.jsonl")
    tomorrow = tmp_path / "tomorrow.jsonl"
    moving.write_later(tmp_path / "export.jsonl", tomorrow)
    done = command(servers, "import", str(tomorrow))
    assert done.returncode == 0, done.stderr
    for number, group in enumerate(("one", "two")):
        settings = {**servers, "ANGARIUM_GROUP": f"{servers['ANGARIUM_GROUP']}-{group}"}
        worker, api = instances(tmp_path / group, settings)
        try:
            moving.require_new_ones_last(api.url, 25, number)
        finally:
            worker.close()
            api.close()


def test_a_command_that_needs_servers_says_that_they_are_away(tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    file.write_bytes(sample(36))
    done = run_cli(
        "import",
        str(file),
        ANGARIUM_KAFKA="127.0.0.1:9",
        ANGARIUM_CASSANDRA="127.0.0.1:9",
        ANGARIUM_JWT_SECRET="a key of thirty-two bytes or more",
    )
    assert done.returncode == 1
    assert "Kafka at 127.0.0.1:9 does not answer" in done.stderr
    assert done.stderr.count("\n") == 1
