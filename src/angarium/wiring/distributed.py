"""The distributed engine: a log on Kafka, stores on Cassandra."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

from angarium import backoff, logs
from angarium.clock import Clock
from angarium.config import Settings
from angarium.config.addresses import Address
from angarium.domain.errors import LogUnavailable, SetupError, StoreUnavailable
from angarium.engines.cassandra import schema
from angarium.engines.cassandra.bulk_loader import CassandraBulkLoader, read_marker
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.presence import CassandraPresence
from angarium.engines.cassandra.schema import KeyspaceReport
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.store_inspector import CassandraStoreInspector
from angarium.engines.cassandra.users import CassandraUsers
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.engines.kafka.group_inspector import GroupInspector
from angarium.engines.kafka.log import KafkaLog
from angarium.engines.kafka.log_inspector import KafkaDeadLetterInspector, KafkaLogInspector
from angarium.engines.kafka.topics import KafkaTopics, TopicVerification
from angarium.engines.secrets.tokens import JwtSigner
from angarium.ports.message_log import DeadLetterLog, MessageLog
from angarium.ports.users import UserStore
from angarium.wiring.engine import Engine
from angarium.wiring.imported_keyspace import (
    LateImportCheck,
    keep_log_start,
    keyspace_name,
    log_starts,
    refuse_half_import,
)
from angarium.wiring.inspection import Inspection
from angarium.wiring.load import Load

FIRST_CONNECTION_S = 10.0
"""How long a start waits for the servers; afterwards it goes on, and
reconnects in the background.
"""

MAX_STORE_CALLS_PER_USER = 4
"""Concurrent store calls per user: most of a call is a wait for
Cassandra, so several at a time finish sooner (docs/adr/0007).
"""

INSPECTION_S = 5.0
"""How long a command that looks at log and store waits for the store.
"""

_log = logs.get("angarium.wiring")


@contextmanager
def distributed_engine(settings: Settings, clock: Clock, instance: str) -> Iterator[Engine]:
    """Connect to Kafka and Cassandra.

    Missing servers are waited for, and later reconnected in the
    background.

    Args:
        settings: The servers' addresses and credentials.
        clock: Measures appends.
        instance: The name of this process.

    Yields:
        Every port, until the block ends.

    Raises:
        SetupError: The topic differs from the settings, so retrying
            would not help.
    """
    connection = _kafka(settings)
    check = TopicVerification(_topics(settings, connection).verify)
    _verify_topics(check)
    late_check = LateImportCheck(settings)
    with (
        closing(CassandraSession(_cassandra(settings), late_check.connect)) as session,
        closing(
            KafkaLog(connection, settings.topic, settings.partitions, clock, verify=check.verify)
        ) as log,
        closing(KafkaDeadLetters(connection, settings.topic, clock)) as dead_letters,
    ):
        if session.await_connection(FIRST_CONNECTION_S) or late_check.require():
            refuse_half_import(settings, session)
        else:
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
                log_starts=partial(log_starts, settings, session),
                keep_log_start=partial(keep_log_start, settings, session),
                instance=instance,
            ),
            dead_letters=dead_letters,
            users=CassandraUsers(session),
            conversations=CassandraConversations(session),
            message_writer=CassandraMessageWriter(session),
            reader=CassandraMessageReader(session),
            presence=CassandraPresence(session, settings.presence_window_s),
            signer=JwtSigner(
                settings.jwt_secret or "",
                settings.jwt_issuer,
                settings.jwt_audience,
                settings.token_ttl_s,
            ),
            instance=instance,
            max_store_calls_per_user=MAX_STORE_CALLS_PER_USER,
            idle_hint=log.idle_hint,
        )


@contextmanager
def distributed_users(settings: Settings, timeout_s: float) -> Iterator[UserStore]:
    """Open the users only, for commands.

    Args:
        settings: The servers' addresses and credentials.
        timeout_s: Seconds to wait for Cassandra.

    Yields:
        The users, until the block ends.

    Raises:
        StoreUnavailable: Cassandra cannot be reached.
    """
    with _session(settings, timeout_s) as session:
        yield CassandraUsers(session)


@contextmanager
def distributed_logs(settings: Settings) -> Iterator[tuple[MessageLog, DeadLetterLog]]:
    """Open the log and the dead letters only, for commands.

    Args:
        settings: The brokers' addresses and credentials.

    Yields:
        The log and its dead letters, until the block ends.

    Raises:
        SetupError: The topic differs from the settings.
        LogUnavailable: Kafka cannot be reached.
    """
    connection = _kafka(settings)
    _require_topics(settings, connection)
    with (
        closing(KafkaLog(connection, settings.topic, settings.partitions)) as log,
        closing(KafkaDeadLetters(connection, settings.topic)) as dead_letters,
    ):
        log.wait_until_connected(FIRST_CONNECTION_S)
        yield log, dead_letters


@contextmanager
def distributed_inspection(settings: Settings) -> Iterator[Inspection]:
    """Connect what reads log and store, as far as they can be reached.

    Args:
        settings: The servers' addresses and credentials.

    Yields:
        The inspectors, until the block ends. That of the log connects
        at its first call, that of the store is waited for, and goes on
        connecting in the background.
    """
    with (
        closing(CassandraSession(_cassandra(settings))) as session,
        _inspection(settings, session) as inspection,
    ):
        session.await_connection(INSPECTION_S)
        yield inspection


@contextmanager
def distributed_load(settings: Settings) -> Iterator[Load]:
    """Connect what an import needs.

    Args:
        settings: The servers' addresses and credentials.

    Yields:
        What an import needs, until the block ends.

    Raises:
        SetupError: The topic differs from the settings.
        LogUnavailable: Kafka cannot be reached.
        StoreUnavailable: Cassandra cannot be reached.
    """
    connection = _kafka(settings)
    _require_topics(settings, connection)
    with (
        _session(settings, FIRST_CONNECTION_S) as session,
        _inspection(settings, session) as inspection,
        closing(GroupInspector(connection, settings.topic, settings.group)) as group,
    ):
        yield Load(
            inspection,
            CassandraBulkLoader(session, settings.topic),
            group,
        )


@contextmanager
def _inspection(settings: Settings, session: CassandraSession) -> Iterator[Inspection]:
    """Make what reads log and store through one session."""
    connection = _kafka(settings)
    with (
        closing(
            KafkaLogInspector(connection, settings.topic, settings.partitions, settings.group)
        ) as log,
        closing(KafkaDeadLetterInspector(connection, settings.topic)) as dead_letters,
    ):
        yield Inspection(
            keyspace_name(settings),
            partial(read_marker, session),
            log,
            dead_letters,
            CassandraStoreInspector(session, settings.topic),
            CassandraUsers(session),
            CassandraConversations(session),
            CassandraMessageReader(session),
        )


def prepare(
    settings: Settings, timeout_s: float, show: Callable[[str], None] = lambda _: None
) -> KeyspaceReport:
    """Make missing topics, keyspace and tables.

    It is safe to repeat and to run concurrently.

    Args:
        settings: Partitions, replication and names.
        timeout_s: Seconds to wait for servers that do not answer yet.
        show: Called at each step, with what is done or waited for.

    Returns:
        What Cassandra has now.

    Raises:
        SetupError: A server did not answer in time, or something exists
            and differs from the settings.
    """
    expires_at = time.monotonic() + timeout_s

    def remaining() -> float:
        """Return the seconds left for both servers together."""
        return expires_at - time.monotonic()

    topics = _topics(settings, _kafka(settings))
    servers = _join(settings.kafka)

    def failed(error: Exception, wait_s: float) -> None:
        """Say why Kafka is waited for."""
        show(f"waiting for Kafka at {servers}: {error}")
        _log.debug(
            "retry",
            f"Kafka cannot be prepared yet, next try in {wait_s:.1f} s",
            detail=str(error),
        )

    show(f"making topic {settings.topic} in Kafka at {servers}")
    try:
        backoff.retry(
            topics.create,
            LogUnavailable,
            remaining=remaining,
            failed=failed,
            waits=backoff.delays_until(remaining, 0.2, 2.0),
        )
    except LogUnavailable as error:
        raise SetupError(
            f"Kafka at {servers} could not be prepared within {timeout_s:g} s "
            f"({error}); check ANGARIUM_KAFKA, and that the brokers run"
        ) from error
    return schema.prepare(
        _cassandra(settings), settings.replication, max(0.0, remaining()), show=show
    )


@contextmanager
def _session(settings: Settings, timeout_s: float) -> Iterator[CassandraSession]:
    """Connect to Cassandra for a command, or fail in time."""
    with closing(CassandraSession(_cassandra(settings))) as session:
        if not session.await_connection(timeout_s):
            raise StoreUnavailable(
                f"Cassandra at {_join(settings.cassandra)} could not be used within "
                f"{timeout_s:.0f} s; check that it runs and that `angarium init` was run"
            )
        yield session


def _require_topics(settings: Settings, connection: KafkaConnectionSettings) -> None:
    """Check the topics for a command, or fail.

    Raises:
        SetupError: A topic differs from the settings.
        LogUnavailable: Kafka cannot be reached.
    """
    try:
        _topics(settings, connection).verify()
    except LogUnavailable as error:
        raise LogUnavailable(
            f"Kafka at {_join(settings.kafka)} does not answer; check ANGARIUM_KAFKA, and that "
            "the brokers run"
        ) from error


def _verify_topics(check: TopicVerification) -> None:
    """Check the topic, unless Kafka is away: then appends check it."""
    try:
        check.verify()
    except LogUnavailable as error:
        _log.warning(
            "log_unavailable",
            "Kafka did not answer at the start; going on without it.",
            error_type=type(error).__name__,
        )


def _await_log(log: KafkaLog) -> None:
    """Wait for Kafka's first connection, then go on without it."""
    try:
        log.wait_until_connected(FIRST_CONNECTION_S)
    except LogUnavailable as error:
        _log.warning(
            "log_unavailable",
            f"Kafka cannot be used yet; going on without it: {error}",
            error_type=type(error).__name__,
        )


def _topics(settings: Settings, connection: KafkaConnectionSettings) -> KafkaTopics:
    """Return the topics as the settings want them."""
    return KafkaTopics(connection, settings.topic, settings.partitions, settings.topic_replication)


def _kafka(settings: Settings) -> KafkaConnectionSettings:
    """Translate settings, which engines never read themselves."""
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
    """Translate settings, which engines never read themselves."""
    return CassandraAddress(
        [(address.host, address.port) for address in settings.cassandra],
        settings.keyspace,
        settings.datacenter,
        settings.consistency,
        settings.cassandra_username,
        settings.cassandra_password,
        settings.cassandra_cafile,
    )


def _join(addresses: tuple[Address, ...]) -> str:
    """List addresses for an error text."""
    return ", ".join(map(_text, addresses))


def _text(address: Address) -> str:
    """Return host and port, an IPv6 address in brackets."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"{host}:{address.port}"
