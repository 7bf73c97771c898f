"""The topics: created by `init`, verified at every start."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import kafka
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import InvalidReplicationFactorError, KafkaError, TopicAlreadyExistsError

from angarium import logs
from angarium.domain.errors import LogUnavailable, SetupError
from angarium.domain.partitioning import DEFAULT_PARTITIONS
from angarium.engines.kafka.connection import ClientFactory, KafkaConnectionSettings
from angarium.engines.kafka.errors import CLIENT_ERRORS, unavailable
from angarium.engines.kafka.patches.network_client import NetworkClient
from angarium.engines.kafka.record_sizes import (
    DEAD_LETTER_TOPIC_BYTES,
    DEFAULT_TOPIC_BYTES,
    MAX_BATCH_BYTES,
)

RETENTION_MS = 7 * 24 * 3600 * 1000
"""How long new topics keep records, Kafka's own default: longer than
any outage of the store may last (docs/adr/0018).
"""

SEGMENT_BYTES = 1024 * 1024 * 1024
"""Segment size of new topics, Kafka's own default."""

_REQUEST_MS = 5_000
"""Maximum time of a request; creating a topic takes seconds."""

_BOOTSTRAP_MS = 2_000
"""Maximum time for the first connection of `init`."""

_TOGETHER_MS = 10_000
"""Maximum wait until every broker knows a new topic."""

_AT_LEAST = ("min.insync.replicas", "max.message.bytes", "segment.bytes")


def dead_letters_of(topic: str) -> str:
    """Return the name of the topic that keeps a topic's dead letters.

    Args:
        topic: The topic of the log.

    Returns:
        The dead letters' topic.
    """
    return f"{topic}.dead"


def other_partitions(topic: str, found: int, wanted: int) -> str:
    """Return the error text for a topic with another partition count.

    Args:
        topic: The topic's name.
        found: Its partition count.
        wanted: The count in the settings.

    Returns:
        One line that says what to do.
    """
    return (
        f"topic {topic!r} has {found} partitions, not {wanted}: ANGARIUM_PARTITIONS is not set in "
        f"this terminal (the default is {DEFAULT_PARTITIONS}), or is set to another number than "
        f"when the topic was made; set ANGARIUM_PARTITIONS={found}, but not if partitions were "
        "added later: then keys now map elsewhere, so set a new ANGARIUM_TOPIC and replay into it"
    )


def _missing_topics(topics: Sequence[str]) -> str:
    """Return the error text for topics that were never made."""
    named = " and ".join(f"topic {topic!r} does not exist" for topic in topics)
    return f"{named}: create {'it' if len(topics) == 1 else 'them'} with `angarium init`"


class KafkaTopics:
    """The log's topic and its dead letters' topic."""

    def __init__(
        self, connection: KafkaConnectionSettings, topic: str, partitions: int, replication: int
    ) -> None:
        """Keep what the topics have to be like.

        Args:
            connection: Addresses and login of the brokers.
            topic: The log's topic.
            partitions: Its partition count, which never changes
                (docs/adr/0014).
            replication: How many brokers keep a copy of each partition.
        """
        self._connection = connection
        self._dead_letters = dead_letters_of(topic)
        self._partitions = {topic: partitions, self._dead_letters: 1}
        self._replication = replication
        self._in_sync = max(1, replication - 1)

    def create(self) -> tuple[str, ...]:
        """Create the topics that are missing, then verify all of them.

        It is safe to repeat and to run concurrently.

        Returns:
            The names of the topics that were created here.

        Raises:
            SetupError: They cannot be created, or existing ones differ.
            LogUnavailable: No broker answers, or too few brokers for
                the number of copies.
        """
        with self._administrator() as administrator:
            made = tuple(topic for topic in self._partitions if self._create(administrator, topic))
            # A topic that was created a moment ago may not be known to
            # every broker yet.
            administrator.wait_for_topics(list(self._partitions), timeout_ms=_TOGETHER_MS)
            self._verify(administrator)
        return made

    def verify(self) -> None:
        """Compare the topics with the settings.

        Raises:
            SetupError: A topic is missing or differs; every difference
                is named.
            LogUnavailable: No broker answers.
        """
        with self._administrator() as administrator:
            self._verify(administrator)

    @contextmanager
    def _administrator(self) -> Iterator[kafka.KafkaAdminClient]:
        """Yield a connected administration client, then close it.

        Yields:
            The library's client, connected.

        Raises:
            LogUnavailable: The library raised an error in the block.
        """
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
            raise unavailable("the topics could not be managed", error) from error
        finally:
            administrator.close()

    def _create(self, administrator: kafka.KafkaAdminClient, topic: str) -> bool:
        """Return whether a topic was created; False when it exists.

        Raises:
            LogUnavailable: Too few brokers are up.
            SetupError: The brokers refuse it with a permanent error.
        """
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
            # Brokers that are starting, or were busy for too long, do
            # not count until they report.
            raise LogUnavailable(
                f"topic {topic!r} cannot be created: ANGARIUM_TOPIC_REPLICATION is "
                f"{self._replication}, and fewer brokers are up. Start more brokers or set a "
                "lower value"
            ) from error
        except KafkaError as error:
            if error.retriable:
                raise
            raise SetupError(f"topic {topic!r} cannot be created: {error}") from error
        return True

    def _new_configs(self, topic: str) -> Mapping[str, str]:
        """Return a new topic's settings, some with room to spare."""
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
        """Return the settings that a topic must have at least."""
        largest = str(DEAD_LETTER_TOPIC_BYTES if topic == self._dead_letters else MAX_BATCH_BYTES)
        return {
            "message.timestamp.type": "LogAppendTime",
            "cleanup.policy": "delete",
            # A worker may lack the codec that a foreign producer uses.
            "compression.type": "uncompressed",
            "min.insync.replicas": str(self._in_sync),
            "unclean.leader.election.enable": "false",
            "max.message.bytes": largest,
            "segment.bytes": largest,  # no batch lies across two segments
        }

    def _verify(self, administrator: kafka.KafkaAdminClient) -> None:
        """Raise SetupError with all differences of all topics."""
        found = {topic: self._describe(administrator, topic) for topic in self._partitions}
        missing = [topic for topic, partitions in found.items() if partitions is None]
        differences = [_missing_topics(missing)] if missing else []
        for topic, partitions in found.items():
            if partitions is not None:
                differences += self._differences(administrator, topic, partitions)
        if differences:
            raise SetupError("; ".join(differences))

    def _describe(
        self, administrator: kafka.KafkaAdminClient, topic: str
    ) -> Sequence[Mapping[str, Sequence[int]]] | None:
        """Return a topic's partitions; None if it does not exist."""
        (described,) = administrator.describe_topics([topic])
        if described["error_code"] != 0:
            return None
        partitions: Sequence[Mapping[str, Sequence[int]]] = described["partitions"]
        return partitions

    def _differences(
        self,
        administrator: kafka.KafkaAdminClient,
        topic: str,
        partitions: Sequence[Mapping[str, Sequence[int]]],
    ) -> Iterator[str]:
        """Yield how a topic differs, one text for each difference."""
        if len(partitions) != self._partitions[topic]:
            yield other_partitions(topic, len(partitions), self._partitions[topic])
        fewest = min(len(partition["replica_nodes"]) for partition in partitions)
        if fewest < self._replication:
            yield f"topic {topic!r} has {fewest} replicas, not {self._replication}: add replicas"
        yield from self._config_differences(administrator, topic)

    def _config_differences(
        self, administrator: kafka.KafkaAdminClient, topic: str
    ) -> Iterator[str]:
        """Yield what settings differ, with the command to set them."""
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        described = administrator.describe_configs([resource], config_filter="all")
        configs = described["topic"][topic]
        for name, wanted in self._needed_configs(topic).items():
            found = configs[name]["value"]
            enough = int(found) >= int(wanted) if name in _AT_LEAST else found == wanted
            if not enough:
                yield (
                    f"topic {topic!r} has {name}={found}, not {wanted}: kafka-configs.sh "
                    f"--bootstrap-server {self._connection} --alter --topic {topic} "
                    f"--add-config {name}={wanted}"
                )


_log = logs.get("angarium.engines.kafka")


class TopicVerification:
    """Verifies the topics until they pass, and remembers that.

    A process that starts while Kafka is away cannot verify them at
    once; it does so before it uses them. Used by any thread.
    """

    def __init__(self, verify: Callable[[], None]) -> None:
        """Start unverified.

        Args:
            verify: Raises SetupError for a difference, LogUnavailable
                when no broker answers.
        """
        self._verify = verify
        self._lock = threading.Lock()
        self._passed = False
        self._repeats = logs.Repeats()

    def verify(self) -> None:
        """Verify the topics, unless they have passed before.

        Raises:
            SetupError: The topics differ.
            LogUnavailable: No broker answers.
        """
        with self._lock:
            if not self._passed:
                self._verify()
                self._passed = True

    def ensure(self) -> None:
        """Verify the topics; report a difference as an unavailable log.

        Raises:
            LogUnavailable: The topics differ, which is also logged, or
                no broker answers.
        """
        try:
            self.verify()
        except SetupError as error:
            _log.limited_error(
                self._repeats, "wrong_topic", str(error), error_type=type(error).__name__
            )
            raise LogUnavailable(str(error)) from error
