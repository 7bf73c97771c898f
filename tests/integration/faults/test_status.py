"""`angarium status` beside real workers: who owns what and how far they
are, while they come, die and go.
"""

import json
import os
from typing import Any

import pytest

from tests.acceptance.caller import Caller
from tests.acceptance.service import Service, until
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.kafka_server import KafkaServer
from tests.integration.faults.cluster import PARTITIONS, Cluster

pytestmark = [pytest.mark.engines, pytest.mark.timeout(400)]

BOTH_NODES = 2


def status(service: Cluster, expected: int = 0) -> Any:
    done = service.run("status", "--json")
    assert done.returncode == expected, done.stderr
    assert len(done.stderr.splitlines()) == expected, done.stderr
    return json.loads(done.stdout)


def name(instance: Service) -> str:
    return f"{os.uname().nodename}-{instance.process.pid}"


def owners(service: Cluster) -> list[str | None]:
    return [each["owner"] for each in status(service)["partitions"]]


def await_owners(service: Cluster, *workers: Service) -> None:
    """Wait until these own everything, and each of them something."""
    names = {name(worker) for worker in workers}
    until(lambda: set(owners(service)) == names, f"{names} own all partitions")
    members = status(service)["members"]
    assert {each["instance"] for each in members} == names
    owned = [partition for each in members for partition in each["partitions"]]
    assert sorted(owned) == list(range(PARTITIONS))


def send(service: Cluster, count: int) -> None:
    """Send from everybody to everybody, to every partition."""
    for sender in service.names:
        with Caller(service.urls[0]) as caller:
            caller.token = service.token(sender)
            for recipient in service.names:
                if recipient != sender:
                    conversation = caller.open_conversation(recipient)
                    for number in range(count):
                        assert caller.send(conversation, f"{number}").status == 202


def test_partitions_move_when_workers_die_and_lag_grows_and_drains(service: Cluster) -> None:
    api = service.api()
    first, second, third = (service.worker() for _ in range(3))
    await_owners(service, first, second, third)
    send(service, 2)
    sent = 2 * 12
    until(lambda: status(service)["lag"] == 0, "everything is applied")
    found = status(service)
    assert (found["records"], found["dead_letters"]) == (sent, 0)
    assert all(each["committed"] == each["end"] > 0 for each in found["partitions"])
    assert all(each["watermark"].endswith("Z") for each in found["partitions"])
    assert found["store"]["status"] == "ok"
    assert [each["status"] for each in found["store"]["nodes"]] == ["up"] * BOTH_NODES

    first.kill()
    await_owners(service, second, third)
    assert second.terminate() == 0
    await_owners(service, third)
    third.kill()
    until(lambda: status(service)["members"] == [], "the group has noticed the last one's death")
    send(service, 1)
    waiting = status(service)
    assert waiting["lag"] == 12
    assert {each["owner"] for each in waiting["partitions"]} == {None}
    first.start()
    until(lambda: status(service)["lag"] == 0, "the lag has drained")
    await_owners(service, first)
    lines = [line for line in api.log_lines() if line["action"] == "message_accepted"]
    assert {line["instance"] for line in lines} == {name(api)}


def test_what_answers_is_shown_while_the_log_or_the_store_is_away(
    service: Cluster, kafka_server: KafkaServer, cassandra_cluster: CassandraCluster
) -> None:
    service.api()
    send(service, 1)
    kafka_server.freeze()
    try:
        silent = status(service, expected=1)
    finally:
        kafka_server.resume()
    assert (silent["partitions"], silent["records"], silent["dead_letters"]) == ([], None, None)
    assert silent["store"]["status"] == "ok"
    assert len(silent["store"]["nodes"]) == BOTH_NODES

    cassandra_cluster.kill()
    try:
        silent = status(service, expected=1)
    finally:
        cassandra_cluster.start()
    assert silent["lag"] == silent["records"] == 12
    assert silent["store"]["status"] == "unavailable"
