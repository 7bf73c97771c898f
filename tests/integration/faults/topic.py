"""The topic as any other program sees it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import kafka
from kafka.structs import TopicPartition

from tests.acceptance.service import until
from tests.integration.faults.cluster import PARTITIONS, Cluster

POLL_MS = 500


def put_into_all_partitions(cluster: Cluster, value: bytes) -> None:
    """Write the same record into every partition, durably."""
    producer = kafka.KafkaProducer(bootstrap_servers=[cluster.kafka], acks="all")
    try:
        for partition in range(PARTITIONS):
            producer.send(cluster.topic, value, key=b"key", partition=partition).get(timeout=30)
    finally:
        producer.close()


def await_dead_letters(cluster: Cluster, count: int) -> Sequence[Mapping[str, bytes]]:
    """Wait for so many dead letters and give their headers."""
    with _consumer(cluster) as consumer:
        dead = f"{cluster.topic}.dead"
        positions = [
            TopicPartition(dead, each) for each in consumer.partitions_for_topic(dead) or ()
        ]
        consumer.assign(positions)
        consumer.seek_to_beginning(*positions)
        found: list[Mapping[str, bytes]] = []

        def enough() -> bool:
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                found.extend(dict(record.headers) for record in records)
            return len(found) >= count

        until(enough, f"{count} dead letters")
        return found


def await_worked_off(cluster: Cluster, group: str) -> None:
    """Wait until a group has committed everything that is in the
    topic.
    """
    positions = [TopicPartition(cluster.topic, partition) for partition in range(PARTITIONS)]
    with _consumer(cluster, group) as consumer:
        ends = consumer.end_offsets(positions)
        until(
            lambda: all(
                (consumer.committed(position) or 0) >= ends[position] for position in positions
            ),
            f"{group} has worked everything off",
        )


@contextmanager
def _consumer(cluster: Cluster, group: str | None = None) -> Iterator[kafka.KafkaConsumer]:
    consumer = kafka.KafkaConsumer(
        bootstrap_servers=[cluster.kafka], group_id=group, enable_auto_commit=False
    )
    try:
        yield consumer
    finally:
        consumer.close()
