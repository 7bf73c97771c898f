"""The topics: made by `init`, checked at every start."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import kafka
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import InvalidReplicationFactorError, KafkaError, TopicAlreadyExistsError

from angarium import logs
from angarium.domain.errors import LogUnavailable, SetupError
from angarium.engines.kafka.connection import ClientFactory, KafkaConnectionSettings
from angarium.engines.kafka.errors import CLIENT_ERRORS, unavailable
from angarium.engines.kafka.patches.network_client import NetworkClient
from angarium.engines.kafka.record_sizes import (
    DEAD_LETTER_TOPIC_BYTES,
    DEFAULT_TOPIC_BYTES,
    MAX_BATCH_BYTES,
)

RETENTION_MS = 7 * 24 * 3600 * 1000
"""New topics keep records so long, Kafka's own default: longer than any
outage of the store may last.
"""

SEGMENT_BYTES = 1024 * 1024 * 1024
"""New topics' segments, Kafka's own default."""

_REQUEST_MS = 5_000
_BOOTSTRAP_MS = 2_000
_TOGETHER_MS = 10_000
_AT_LEAST = ("min.insync.replicas", "max.message.bytes", "segment.bytes")


def dead_letters_of(topic: str) -> str:
    """Name the topic of the records that could not be applied.

    Args:
        topic: The topic of all records.

    Returns:
        Its dead letters' topic.
    """
    return f"{topic}.dead"


def other_partitions(topic: str, found: int, wanted: int) -> str:
    """Say that a topic has another number of partitions, and what to
    do.

    Args:
        topic: Which topic.
        found: How many it has.
        wanted: How many it should have.

    Returns:
        One line for a person.
    """
    return (
        f"topic {topic!r} has {found} partitions, not {wanted}: where partitions were added, keys "
        "have "
        "changed places, so name a new ANGARIUM_TOPIC and replay into it; "
        f"set ANGARIUM_PARTITIONS={found} only where the topic was made with so many"
    )


class KafkaTopics:
    """The log's topic and the one of its dead letters."""

    def __init__(
        self, connection: KafkaConnectionSettings, topic: str, partitions: int, replication: int
    ) -> None:
        """Say how they have to be.

        Args:
            connection: Where the brokers are.
            topic: The log's topic.
            partitions: Its partition count, for ever.
            replication: On how many brokers each partition lies.
        """
        self._connection = connection
        self._dead_letters = dead_letters_of(topic)
        self._partitions = {topic: partitions, self._dead_letters: 1}
        self._replication = replication
        self._in_sync = max(1, replication - 1)

    def create(self) -> tuple[str, ...]:
        """Make the topics that are not there, then verify them all;
        safe to repeat and to race.

        Returns:
            The names of those that were made here.

        Raises:
            SetupError: They cannot be made, or those that are there
                differ.
            LogUnavailable: No broker answers, or too few for the copies
                that are asked for.
        """
        with self._administrator() as administrator:
            made = tuple(topic for topic in self._partitions if self._create(administrator, topic))
            # What another one has made a moment ago may not be known to
            # every broker yet.
            administrator.wait_for_topics(list(self._partitions), timeout_ms=_TOGETHER_MS)
            self._verify(administrator)
        return made

    def verify(self) -> None:
        """Compare the topics with what is asked for.

        Raises:
            SetupError: One is not there, or differs; every difference
                is named.
            LogUnavailable: No broker answers.
        """
        with self._administrator() as administrator:
            self._verify(administrator)

    @contextmanager
    def _administrator(self) -> Iterator[kafka.KafkaAdminClient]:
        factory = ClientFactory(NetworkClient)
        administrator = factory.connect(
            self._connection,
            lambda: kafka.KafkaAdminClient(
                kafka_client=factory.make,
                client_id="angarium",
                request_timeout_ms=_REQUEST_MS,
                bootstrap_timeout_ms=_BOOTSTRAP_MS,
                **self._connection.options(),
            ),
        )
        try:
            yield administrator
        except CLIENT_ERRORS as error:
            raise unavailable("the topics could not be handled", error) from error
        finally:
            administrator.close()

    def _create(self, administrator: kafka.KafkaAdminClient, topic: str) -> bool:
        wanted = {
            topic: {
                "num_partitions": self._partitions[topic],
                "replication_factor": self._replication,
                "configs": self._new_configs(topic),
            }
        }
        try:
            administrator.create_topics(wanted, timeout_ms=_REQUEST_MS)
        except TopicAlreadyExistsError:
            return False
        except InvalidReplicationFactorError as error:
            # Brokers that are starting, or were busy for too long, are
            # not counted until they report.
            raise LogUnavailable(
                f"topic {topic!r} cannot be made: ANGARIUM_TOPIC_REPLICATION is "
                f"{self._replication}, and "
                f"fewer brokers are up. Start more brokers or set a lower value"
            ) from error
        except KafkaError as error:
            if error.retriable:
                raise
            raise SetupError(f"topic {topic!r} cannot be made: {error}") from error
        return True

    def _new_configs(self, topic: str) -> Mapping[str, str]:
        """Return what a new topic is made with; where a value has to be
        at least so large, with room.
        """
        is_for_letters = topic == self._dead_letters
        room = {
            "max.message.bytes": str(
                DEAD_LETTER_TOPIC_BYTES if is_for_letters else DEFAULT_TOPIC_BYTES
            ),
            "segment.bytes": str(SEGMENT_BYTES),
            "retention.ms": str(-1 if is_for_letters else RETENTION_MS),
            "retention.bytes": "-1",
        }
        return {**self._needed_configs(topic), **room}

    def _needed_configs(self, topic: str) -> Mapping[str, str]:
        """Return what a topic must be like, at least."""
        largest = str(DEAD_LETTER_TOPIC_BYTES if topic == self._dead_letters else MAX_BATCH_BYTES)
        return {
            "message.timestamp.type": "LogAppendTime",
            "cleanup.policy": "delete",
            # A worker may lack the codec that another's producer uses.
            "compression.type": "uncompressed",
            "min.insync.replicas": str(self._in_sync),
            "unclean.leader.election.enable": "false",
            "max.message.bytes": largest,
            "segment.bytes": largest,  # no batch lies across two segments
        }

    def _verify(self, administrator: kafka.KafkaAdminClient) -> None:
        differences = [
            difference
            for topic in self._partitions
            for difference in self._differences(administrator, topic)
        ]
        if differences:
            raise SetupError("; ".join(differences))

    def _differences(self, administrator: kafka.KafkaAdminClient, topic: str) -> Iterator[str]:
        (described,) = administrator.describe_topics([topic])
        if described["error_code"] != 0:
            yield f"topic {topic!r} is not there: run `angarium init`"
            return
        partitions = described["partitions"]
        if len(partitions) != self._partitions[topic]:
            yield other_partitions(topic, len(partitions), self._partitions[topic])
        fewest = min(len(partition["replica_nodes"]) for partition in partitions)
        if fewest < self._replication:
            yield f"topic {topic!r} has {fewest} replicas, not {self._replication}: add replicas"
        yield from self._config_differences(administrator, topic)

    def _config_differences(
        self, administrator: kafka.KafkaAdminClient, topic: str
    ) -> Iterator[str]:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        described = administrator.describe_configs([resource], config_filter="all")
        configs = described["topic"][topic]
        for name, wanted in self._needed_configs(topic).items():
            found = configs[name]["value"]
            enough = int(found) >= int(wanted) if name in _AT_LEAST else found == wanted
            if not enough:
                yield (
                    f"topic {topic!r} has {name}={found}, not {wanted}: "
                    f"kafka-configs.sh --alter --topic {topic} --add-config {name}={wanted}"
                )


_log = logs.get("angarium.kafka")


class TopicVerification:
    """Compares the topics with the settings until they agree, which is
    then remembered; used by any thread.

    A process that starts while Kafka is away could not compare them,
    and does so before it uses them.
    """

    def __init__(self, verify: Callable[[], None]) -> None:
        """Say how to compare.

        Args:
            verify: Raises SetupError for a difference, LogUnavailable
                when no broker answers.
        """
        self._verify = verify
        self._lock = threading.Lock()
        self._passed = False
        self._repeats = logs.Repeats()

    def verify(self) -> None:
        """Compare, unless they agreed before.

        Raises:
            SetupError: The topics differ.
            LogUnavailable: No broker answers.
        """
        with self._lock:
            if not self._passed:
                self._verify()
                self._passed = True

    def ensure(self) -> None:
        """Compare as above, for a caller to whom topics that differ are
        a log that cannot be used.

        Raises:
            LogUnavailable: The topics differ, which is also told here,
                or no broker answers.
        """
        try:
            self.verify()
        except SetupError as error:
            _log.limited_error(
                self._repeats, "wrong_topic", str(error), error_type=type(error).__name__
            )
            raise LogUnavailable(str(error)) from error
