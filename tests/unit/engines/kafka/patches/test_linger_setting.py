"""How long batches linger, on kafka-python's own accumulator."""

import pytest

from angarium.engines.kafka.patches.linger_setting import linger_setter
from tests.unit.engines.kafka.offline import cluster_of, offline_producer

LONG_MS = 60_000.0


def test_the_library_acts_on_what_is_set() -> None:
    with offline_producer(linger_ms=LONG_MS) as producer:
        cluster = cluster_of(producer._sender._client, "messages")
        producer.send("messages", b"value")
        ready, delay, _ = producer._accumulator.ready(cluster)
        assert not ready
        assert delay > LONG_MS / 2000
        linger_setter(producer)(0.0)
        ready, _, _ = producer._accumulator.ready(cluster)
        assert ready


def test_what_is_set_publicly_still_changes_nothing() -> None:
    """When this fails the library has mended it: see
    `patches/README.md`.
    """
    with offline_producer(linger_ms=LONG_MS) as producer:
        producer.config["linger_ms"] = 0.0
        assert producer._accumulator.config["linger_ms"] == pytest.approx(LONG_MS)
