"""The delay for which kafka-python's sender leaves a broker alone."""

import threading

import pytest
from kafka.net.compat import KafkaNetClient

from angarium.engines.kafka.patches.connection_delay import PAUSE_MS, BackoffClient
from tests.unit.engines.kafka.offline import cluster_of, offline_producer

BOUND_S = 30.0


def test_the_librarys_sender_asks_what_is_overridden(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()
    delay = BackoffClient.connection_delay

    def tell(client: BackoffClient, node: object) -> float:
        asked.set()
        return delay(client, node)

    monkeypatch.setattr(BackoffClient, "connection_delay", tell)
    with offline_producer(
        kafka_client=BackoffClient, linger_ms=0, enable_idempotence=False
    ) as producer:
        cluster_of(producer._sender._client, "messages")
        producer.send("messages", b"value")
        assert asked.wait(BOUND_S)


@pytest.mark.parametrize(
    ("seconds", "milliseconds"), [(0.0, PAUSE_MS), (0.01, PAUSE_MS), (0.2, 200.0)]
)
def test_it_is_told_in_milliseconds_and_never_to_look_at_once(
    seconds: float, milliseconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    with offline_producer(kafka_client=BackoffClient) as producer:
        client = producer._sender._client
        monkeypatch.setattr(client._manager, "connection_delay", lambda _: seconds)
        assert client.connection_delay(0) == milliseconds


def test_the_librarys_own_client_still_answers_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """When this fails the library has mended it: see
    `patches/README.md`.
    """
    with offline_producer() as producer:
        client = producer._sender._client
        assert type(client) is KafkaNetClient
        monkeypatch.setattr(client._manager, "connection_delay", lambda _: 0.2)
        assert client.connection_delay(0) == 0.2
