"""The distributed engine: the log on Kafka, the stores on Cassandra,
any number of instances of each half.
"""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial

from angarium import backoff, logs
from angarium.clock import Clock
from angarium.config import Settings
from angarium.config.addresses import Address
from angarium.domain.errors import LogUnavailable, SetupError, StoreUnavailable
from angarium.engines.cassandra import schema
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.presence import CassandraPresence
from angarium.engines.cassandra.schema import KeyspaceReport
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.users import CassandraUsers
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.engines.kafka.log import KafkaLog
from angarium.engines.kafka.topics import KafkaTopics, TopicVerification
from angarium.engines.secrets.tokens import JwtSigner
from angarium.ports.message_log import DeadLetterLog, MessageLog
from angarium.ports.users import UserStore
from angarium.wiring.engine import Engine

FIRST_CONNECTION_SECONDS = 10.0
"""How long a start waits for the servers before it goes on without them
and lets recovery do its work.
"""
CALLS_OF_USER = 4
"""Most of a call is a wait for Cassandra, so that several at a time are
done sooner."""

_log = logs.get("angarium.wiring")


@contextmanager
def distributed_engine(settings: Settings, clock: Clock) -> Iterator[Engine]:
    """Connect to Kafka and Cassandra; servers that are away are waited
    for a while, then in the background.

    Args:
        settings: Name the servers.
        clock: Tells the time.

    Yields:
        Every port, until the block ends.

    Raises:
        SetupError: The topic is not as the settings say; retrying would
            not help.
    """
    connection = _kafka(settings)
    check = TopicVerification(_topics(settings, connection).verify)
    _verify_topics(check)
    with (
        closing(CassandraSession(_cassandra(settings))) as session,
        closing(
            KafkaLog(connection, settings.topic, settings.partitions, clock, verify=check.verify)
        ) as log,
        closing(KafkaDeadLetters(connection, settings.topic, clock)) as dead_letters,
    ):
        if not session.await_connection(FIRST_CONNECTION_SECONDS):
            _log.warning(
                "store_unavailable", "Cassandra has not been reached yet; going on without it."
            )
        _await_log(log)
        yield Engine(
            log=log,
            consumer=partial(
                KafkaLogConsumer,
                connection,
                settings.topic,
                settings.group,
                clock,
                verify=check.ensure,
            ),
            dead_letters=dead_letters,
            users=CassandraUsers(session),
            conversations=CassandraConversations(session),
            recorder=CassandraMessageWriter(session),
            reader=CassandraMessageReader(session),
            presence=CassandraPresence(session, settings.presence_window),
            signer=JwtSigner(
                settings.jwt_secret or "",
                settings.jwt_issuer,
                settings.jwt_audience,
                settings.token_ttl,
            ),
            calls_of_user=CALLS_OF_USER,
            idle_hint=log.idle_hint,
        )


@contextmanager
def distributed_users(
    settings: Settings, timeout: float = FIRST_CONNECTION_SECONDS
) -> Iterator[UserStore]:
    """Open just the users.

    Args:
        settings: Name the servers.
        timeout: Seconds to wait for Cassandra.

    Yields:
        The users, until the block ends.

    Raises:
        StoreUnavailable: Cassandra cannot be reached.
    """
    with closing(CassandraSession(_cassandra(settings))) as session:
        if not session.await_connection(timeout):
            raise StoreUnavailable(
                f"Cassandra at {_shown(settings.cassandra)} could not be used within "
                f"{timeout:.0f} s; check that it runs and that `angarium init` was run"
            )
        yield CassandraUsers(session)


@contextmanager
def distributed_logs(settings: Settings) -> Iterator[tuple[MessageLog, DeadLetterLog]]:
    """Open just the log and the dead letters.

    Args:
        settings: Name the brokers.

    Yields:
        The log and its dead letters, until the block ends.

    Raises:
        SetupError: The topic is not as the settings say.
        LogUnavailable: Kafka cannot be reached.
    """
    connection = _kafka(settings)
    try:
        _topics(settings, connection).verify()
    except LogUnavailable as error:
        raise LogUnavailable(
            f"Kafka at {_shown(settings.kafka)} does not answer; check ANGARIUM_KAFKA, "
            "and that the brokers run"
        ) from error
    with (
        closing(KafkaLog(connection, settings.topic, settings.partitions)) as log,
        closing(KafkaDeadLetters(connection, settings.topic)) as dead_letters,
    ):
        log.wait_until_connected(FIRST_CONNECTION_SECONDS)
        yield log, dead_letters


def prepare(settings: Settings, timeout: float) -> KeyspaceReport:
    """Make topics, keyspace and tables where they are missing; safe to
    repeat and to race.

    Args:
        settings: Say how they have to be.
        timeout: Seconds to wait for servers that do not answer yet.

    Returns:
        What was found of Cassandra.

    Raises:
        SetupError: A server did not answer in time, or what is there
            differs from the settings.
    """
    give_up = time.monotonic() + timeout

    def remaining() -> float:
        return give_up - time.monotonic()

    topics = _topics(settings, _kafka(settings))
    try:
        backoff.retry(
            topics.create,
            LogUnavailable,
            remaining=remaining,
            failed=lambda error, wait: _log.debug(
                "retry",
                f"Kafka cannot be prepared yet, next try in {wait:.1f} s",
                detail=str(error),
            ),
            waits=backoff.delays_until(remaining, 0.2, 2.0),
        )
    except LogUnavailable as error:
        raise SetupError(
            f"Kafka at {_shown(settings.kafka)} could not be prepared within {timeout:g} s "
            f"({error}); check ANGARIUM_KAFKA, and that the brokers run"
        ) from error
    return schema.prepare(_cassandra(settings), settings.replication, max(0.0, remaining()))


def _verify_topics(check: TopicVerification) -> None:
    try:
        check.verify()
    except LogUnavailable as error:
        _log.warning(
            "log_unavailable",
            "Kafka did not answer at the start; going on without it.",
            error_type=type(error).__name__,
        )


def _await_log(log: KafkaLog) -> None:
    try:
        log.wait_until_connected(FIRST_CONNECTION_SECONDS)
    except LogUnavailable as error:
        _log.warning(
            "log_unavailable",
            f"Kafka cannot be used yet; going on without it: {error}",
            error_type=type(error).__name__,
        )


def _topics(settings: Settings, connection: KafkaConnectionSettings) -> KafkaTopics:
    return KafkaTopics(connection, settings.topic, settings.partitions, settings.topic_replication)


def _kafka(settings: Settings) -> KafkaConnectionSettings:
    return KafkaConnectionSettings(
        tuple(map(_text, settings.kafka)),
        settings.kafka_security,
        settings.kafka_sasl_mechanism,
        settings.kafka_sasl_username,
        settings.kafka_sasl_password,
        settings.kafka_cafile,
        settings.kafka_certfile,
        settings.kafka_keyfile,
    )


def _cassandra(settings: Settings) -> CassandraAddress:
    return CassandraAddress(
        [(address.host, address.port) for address in settings.cassandra],
        settings.keyspace,
        settings.datacenter,
        settings.consistency,
        settings.cassandra_username,
        settings.cassandra_password,
        settings.cassandra_cafile,
    )


def _shown(addresses: tuple[Address, ...]) -> str:
    return ", ".join(map(_text, addresses))


def _text(address: Address) -> str:
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"
