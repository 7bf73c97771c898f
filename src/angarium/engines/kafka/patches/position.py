"""Starts a partition with the leader epoch of what was processed.

Fault: a consumer that was told an offset alone cannot notice that the
log was cut off before it and has grown past it since: it begins among
records that took the place of others, and those before them are never
read (docs/adr/0015). With the epoch of the last record it asks the
leader first, as it does after each change of the leader.
True in: kafka-python 3.0.12.
Noticed by: `tests/unit/engines/kafka/patches/test_position.py`, where
the library's own consumer has to ask with this, and not without it.
The public way: none. `KafkaConsumer.seek` takes a number only, and
nothing public tells the epoch of the records that were polled. The
library's own start at the committed offset knows the epoch, but drops
the metadata, which holds the watermark, and may take another commit
than the one that was read.
Measured: on a real broker, a log of which two records were processed
was lost and filled with four others. Without this the first two of them
were skipped; with it all four were read.
Mended upstream, with a `seek` that takes an epoch and a `position` that
tells it: delete this file, its test, and its use in `group_member.py`.
"""

from kafka import KafkaConsumer
from kafka.structs import OffsetAndMetadata, TopicPartition

UNKNOWN_EPOCH = -1
"""What Kafka writes for an epoch that is not known."""


def seek(consumer: KafkaConsumer, partition: TopicPartition, offset: int, epoch: int) -> None:
    """Choose the next record of a partition.

    Args:
        consumer: Has the partition.
        partition: Of the topic.
        offset: The record's offset.
        epoch: The leader epoch of the record before it, or a later one
            from before the log was cut; UNKNOWN_EPOCH when not known.
    """
    consumer.seek(partition, offset)
    if epoch != UNKNOWN_EPOCH:
        state = consumer._subscription.assignment[partition]
        state.seek(OffsetAndMetadata(offset, "", epoch))


def leader_epoch(consumer: KafkaConsumer, partition: TopicPartition) -> int:
    """Return the leader epoch of what was polled last.

    Args:
        consumer: May have lost the partition.
        partition: Of the topic.

    Returns:
        The epoch; UNKNOWN_EPOCH when there is none.
    """
    state = consumer._subscription.assignment.get(partition)
    if state is None or state.position is None:
        return UNKNOWN_EPOCH
    return int(state.position.leader_epoch)
