"""Topics on a broker that may just have been started, or have gone on after a pause."""

import time

from angarium import backoff
from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.security import KafkaConnection
from angarium.engines.kafka.topics import KafkaTopics

READY_SECONDS = 60.0


def make_topics(connection: KafkaConnection, name: str, partitions: int) -> None:
    """Make the log's topics with one replica, as soon as the broker makes any.

    Args:
        connection: Where the broker is.
        name: Of the log's topic.
        partitions: How many.
    """
    give_up_at = time.monotonic() + READY_SECONDS
    for wait in backoff.delays(0.1, 1.0):
        try:
            KafkaTopics(connection, name, partitions, 1).create()
        except LogUnavailable:
            if time.monotonic() > give_up_at:
                raise
            time.sleep(wait)
        else:
            return
