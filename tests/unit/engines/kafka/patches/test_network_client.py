"""What the library's objects make of the network client that they are
given.
"""

import kafka
import pytest

from angarium.engines.kafka.patches.network_client import CONNECT_MS, NetworkClient
from tests.unit.engines.kafka.offline import cluster_of, coordinator_of, offline_consumer

JITTER = 1.2
"""The library adds at most a fifth to the bound of a broker that has
failed to connect.
"""
SETTINGS = ("socket_connection_setup_timeout_ms", "socket_connection_setup_timeout_max_ms")


def test_a_connection_may_take_no_longer_than_the_bound() -> None:
    with offline_consumer(kafka_client=NetworkClient) as consumer:
        manager = consumer._client._manager
        assert [manager.config[name] for name in SETTINGS] == [CONNECT_MS, CONNECT_MS]
        assert manager.socket_connection_setup_timeout_ms("never tried") <= CONNECT_MS
        for _ in range(10):
            manager.update_backoff("failed")
            allowed = manager.socket_connection_setup_timeout_ms("failed")
            assert allowed <= JITTER * CONNECT_MS


@pytest.mark.parametrize(
    "client", [kafka.KafkaConsumer, kafka.KafkaProducer, kafka.KafkaAdminClient]
)
def test_the_librarys_objects_still_do_not_know_the_settings(client: type) -> None:
    """When this fails the library takes them: see
    `patches/README.md`.
    """
    assert not {*SETTINGS} & {*client.DEFAULT_CONFIG}  # type: ignore[attr-defined]


def test_without_a_connection_there_is_none() -> None:
    with offline_consumer(kafka_client=NetworkClient) as consumer:
        cluster_of(consumer._client, "messages")
        assert not consumer._client.has_connection()


@pytest.mark.parametrize("node", [0, "coordinator-0"])
def test_a_connection_to_a_broker_or_a_coordinator_is_one(
    node: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    with offline_consumer(kafka_client=NetworkClient) as consumer:
        cluster_of(consumer._client, "messages")
        monkeypatch.setattr(consumer._client, "connected", lambda asked: asked == node)
        assert consumer._client.has_connection()


def test_a_coordinator_has_a_node_id_of_its_own() -> None:
    with offline_consumer(kafka_client=NetworkClient) as consumer:
        cluster_of(consumer._client, "messages")
        assert coordinator_of(consumer._client.cluster) == "coordinator-0"
