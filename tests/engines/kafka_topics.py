"""Topics for tests, on a broker that may have been busy or killed a moment ago."""

import time

from angarium import backoff
from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.security import KafkaConnection
from angarium.engines.kafka.topics import KafkaTopics

PATIENCE_SECONDS = 30.0


def make_topics(connection: KafkaConnection, topic: str, partitions: int) -> tuple[str, ...]:
    """Make a topic and the one of its dead letters, as soon as the broker lets us.

    Args:
        connection: Where the broker is.
        topic: Its name.
        partitions: How many it has.

    Returns:
        The names of those that were made here.
    """
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    return backoff.retry(
        KafkaTopics(connection, topic, partitions, 1).create,
        LogUnavailable,
        remaining=lambda: give_up_at - time.monotonic(),
        failed=lambda *_: None,
    )
