"""Ending a producer that cannot send what it has."""

import threading

import pytest
from kafka.errors import KafkaTimeoutError

from angarium.engines.kafka.patches.force_close import force_close
from tests.unit.engines.kafka.offline import cluster_of, offline_producer

BOUND_S = 30.0
A_DAY_MS = 24 * 3600 * 1000


def test_its_thread_ends_and_what_it_has_fails() -> None:
    with offline_producer(linger_ms=0, delivery_timeout_ms=A_DAY_MS) as producer:
        cluster_of(producer._sender._client, "messages")
        failed = threading.Event()
        producer.send("messages", b"value").add_errback(lambda _: failed.set())
        force_close(producer)
        assert failed.wait(BOUND_S)
        producer._sender.join(BOUND_S)
        assert not producer._sender.is_alive()
        producer.close(timeout=BOUND_S)


def test_the_librarys_own_close_still_raises_and_leaves_the_thread() -> None:
    """When this fails the library has mended it: see
    `patches/README.md`.
    """
    with offline_producer(linger_ms=0, delivery_timeout_ms=A_DAY_MS) as producer:
        cluster_of(producer._sender._client, "messages")
        producer.send("messages", b"value")
        for timeout in (0.1, 0):
            with pytest.raises(KafkaTimeoutError):
                producer.close(timeout=timeout)
        assert producer._sender.is_alive()
