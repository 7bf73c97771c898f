"""A record that is too large for its topic, and the others, on
kafka-python's own sender.
"""

from collections.abc import Iterator
from types import SimpleNamespace

import kafka
import pytest
from kafka.errors import MessageSizeTooLargeError
from kafka.producer.future import FutureRecordMetadata
from kafka.producer.producer_batch import ProducerBatch

from angarium.engines.kafka.errors import RecordRefused, ends_the_producer
from angarium.engines.kafka.patches.sender import TolerantSender
from tests.unit.engines.kafka.offline import cluster_of, number, offline_producer

LONG_MS = 60_000.0


@pytest.fixture
def producer() -> Iterator[kafka.KafkaProducer]:
    with offline_producer(linger_ms=LONG_MS) as producer:
        cluster_of(producer._sender._client, "messages")
        number(producer)
        yield producer


def drained(producer: kafka.KafkaProducer) -> ProducerBatch:
    """Take what waits, as the sender does before it sends it."""
    ((batch,),) = producer._accumulator.drain(
        producer._sender._metadata, {0}, producer.config["max_request_size"]
    ).values()
    producer._accumulator.muted.add(batch.topic_partition)
    return batch


def refuse(producer: kafka.KafkaProducer, batch: ProducerBatch) -> None:
    """Let the broker answer that a batch is too large."""
    answer = SimpleNamespace(
        index=batch.topic_partition.partition,
        error_code=MessageSizeTooLargeError.errno,
        base_offset=-1,
        log_append_time_ms=-1,
        log_start_offset=-1,
        record_errors=[],
        error_message=None,
        current_leader=None,
    )
    topic = SimpleNamespace(name=batch.topic_partition.topic, partition_responses=[answer])
    response = SimpleNamespace(responses=[topic], node_endpoints=None)
    producer._sender._handle_produce_response(0, 0.0, [batch], response)


def sent(producer: kafka.KafkaProducer) -> FutureRecordMetadata:
    return producer.send("messages", b"a large value")


def test_the_answer_of_a_broker_comes_to_what_is_overridden(
    producer: kafka.KafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    TolerantSender.take_over(producer)
    came: list[Exception] = []
    monkeypatch.setattr(
        TolerantSender,
        "_dispatch_error",
        lambda _sender, _batch, error, _answer: came.append(error),
    )
    sent(producer)
    refuse(producer, drained(producer))
    assert [type(error) for error in came] == [MessageSizeTooLargeError]


def test_the_record_fails_alone_and_the_next_one_takes_over_its_number(
    producer: kafka.KafkaProducer,
) -> None:
    TolerantSender.take_over(producer)
    future = sent(producer)
    batch = drained(producer)
    refuse(producer, batch)
    assert isinstance(future.exception, RecordRefused)
    assert "max.message.bytes" in str(future.exception)
    assert not ends_the_producer(future.exception)
    assert not producer._transaction_manager.has_fatal_error()
    sent(producer)
    assert drained(producer).base_sequence == batch.base_sequence


def test_the_librarys_own_sender_still_takes_nothing_more(producer: kafka.KafkaProducer) -> None:
    """When this fails the library has mended it: see
    `patches/README.md`.
    """
    future = sent(producer)
    refuse(producer, drained(producer))
    assert producer._transaction_manager.has_fatal_error()
    assert ends_the_producer(future.exception)
