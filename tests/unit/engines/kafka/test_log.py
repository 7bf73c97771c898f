from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import cast

import pytest
from kafka.errors import KafkaConnectionError

from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.circuit_breaker import PROBE_S
from angarium.engines.kafka.log import TopicWriter
from angarium.engines.kafka.pending_appends import PendingAppend
from angarium.engines.kafka.topic_producer import TopicProducer
from angarium.ports.message_log import Appended
from tests.fakes.clock import ManualClock

LIMIT = 2


@dataclass(frozen=True)
class Metadata:
    partition: int
    offset: int
    timestamp: int


class Producer:
    """Stands for a connected producer: acknowledges at once, or raises
    what it is told to.
    """

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.refusal: Exception | None = None
        self.sent = 0
        self.has_failed = False

    def send(
        self,
        sent: PendingAppend,
        _key: bytes | None,
        _value: bytes | None,
        _headers: list[tuple[str, bytes]],
    ) -> None:
        if self.failure is not None:
            raise self.failure
        self.sent += 1
        if self.refusal is not None:
            sent.fail(self.refusal)
            return
        sent.succeed(Metadata(sent.partition, 17, 5))

    def close(self, _seconds: float) -> None:
        return


@pytest.fixture
def producer() -> Producer:
    return Producer()


@pytest.fixture
def writer(producer: Producer, clock: ManualClock) -> Iterator[TopicWriter]:
    with closing(TopicWriter(lambda: cast("TopicProducer", producer), 4, clock, LIMIT)) as opened:
        opened.wait_until_connected(30.0)
        yield opened


@pytest.mark.parametrize(
    "failure", [TypeError("headers"), KeyError("unforeseen"), LogUnavailable("away")]
)
def test_whatever_sending_raises_is_an_outage_and_holds_nothing(
    writer: TopicWriter, producer: Producer, clock: ManualClock, failure: Exception
) -> None:
    producer.failure = failure
    for _ in range(LIMIT + 1):
        with pytest.raises(LogUnavailable) as refusal:
            writer.append(3, b"key", b"value", [])
        assert type(failure).__name__ in str(refusal.value) or refusal.value is failure
        clock.advance(1.0)
    producer.failure = None
    assert writer.append(3, b"key", b"value", []).result(0) == Appended(3, 17, 5)


def test_a_partition_that_did_not_answer_a_moment_ago_is_left_alone_and_tried_again(
    writer: TopicWriter, producer: Producer, clock: ManualClock
) -> None:
    producer.refusal = KafkaConnectionError("gone")
    assert isinstance(writer.append(3, b"key", b"value", []).exception(0), LogUnavailable)
    with pytest.raises(LogUnavailable, match="partition 3 has just failed to answer"):
        writer.append(3, b"key", b"value", [])
    assert producer.sent == 1
    producer.refusal = None
    assert writer.append(2, b"key", b"value", []).result(0).partition == 2
    clock.advance(PROBE_S)
    assert writer.append(3, b"key", b"value", []).result(0).partition == 3
    assert writer.append(3, b"key", b"value", []).result(0).partition == 3
