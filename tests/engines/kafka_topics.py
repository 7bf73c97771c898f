"""Topics for tests, on a broker that may have been busy or killed a
moment ago.
"""

import time
from contextlib import closing, suppress

import kafka
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import UnknownTopicOrPartitionError

from angarium import backoff
from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.topics import KafkaTopics, dead_letters_of

PATIENCE_S = 30.0


def make_topics(
    connection: KafkaConnectionSettings, topic: str, partitions: int
) -> tuple[str, ...]:
    """Make a topic and the one of its dead letters, as soon as the
    broker lets us.

    Args:
        connection: Where the broker is.
        topic: Its name.
        partitions: How many it has.

    Returns:
        The names of those that were made here.
    """
    give_up_at = time.monotonic() + PATIENCE_S
    return backoff.retry(
        KafkaTopics(connection, topic, partitions, 1).create,
        LogUnavailable,
        remaining=lambda: give_up_at - time.monotonic(),
        failed=lambda *_: None,
    )


def delete_topics(connection: KafkaConnectionSettings, topic: str) -> None:
    """Delete a topic and the one of its dead letters: a killed broker
    checks each log that it has.

    Args:
        connection: Where the broker is.
        topic: Its name; nothing happens when it is gone.
    """
    with closing(kafka.KafkaAdminClient(**connection.options())) as administrator:
        for name in (topic, dead_letters_of(topic)):
            with suppress(UnknownTopicOrPartitionError):
                administrator.delete_topics([name])


def set_config(connection: KafkaConnectionSettings, topic: str, name: str, value: int) -> None:
    """Change a topic as an operator does; the broker heeds it within
    moments.

    Args:
        connection: Where the broker is.
        topic: Its name.
        name: What to change.
        value: The new value.
    """
    resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: str(value)})
    with closing(kafka.KafkaAdminClient(**connection.options())) as administrator:
        administrator.alter_configs([resource])
