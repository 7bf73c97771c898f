"""A start at an offset, on kafka-python's own consumer."""

from collections.abc import Iterator

import kafka
import pytest
from kafka.structs import TopicPartition

from angarium.engines.kafka.patches import position
from angarium.engines.kafka.patches.position import UNKNOWN_EPOCH
from tests.unit.engines.kafka.offline import offline_consumer

PARTITION = TopicPartition("messages", 0)
ELSEWHERE = TopicPartition("messages", 1)


@pytest.fixture
def consumer() -> Iterator[kafka.KafkaConsumer]:
    with offline_consumer() as consumer:
        consumer.assign([PARTITION])
        yield consumer


def is_checked(consumer: kafka.KafkaConsumer, epoch: int) -> bool:
    """Tell whether the library asks a leader of an epoch before it
    fetches.
    """
    subscription = consumer._subscription
    return bool(subscription.maybe_validate_position_for_current_leader(PARTITION, epoch))


def test_a_position_with_an_epoch_is_checked_by_a_later_leader(
    consumer: kafka.KafkaConsumer,
) -> None:
    position.seek(consumer, PARTITION, 9, 4)
    assert consumer.position(PARTITION, timeout_ms=0) == 9
    assert position.leader_epoch(consumer, PARTITION) == 4
    assert not is_checked(consumer, 4)
    assert is_checked(consumer, 5)


def test_the_librarys_own_seek_still_takes_no_epoch(consumer: kafka.KafkaConsumer) -> None:
    position.seek(consumer, PARTITION, 9, UNKNOWN_EPOCH)
    assert consumer.position(PARTITION, timeout_ms=0) == 9
    assert position.leader_epoch(consumer, PARTITION) == UNKNOWN_EPOCH
    assert not is_checked(consumer, 5)


def test_a_partition_of_others_has_no_epoch(consumer: kafka.KafkaConsumer) -> None:
    assert position.leader_epoch(consumer, ELSEWHERE) == UNKNOWN_EPOCH
