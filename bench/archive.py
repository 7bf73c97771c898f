"""Long conversations, written into the table of messages directly."""

from collections.abc import Iterator, Sequence
from uuid import UUID, uuid4

from cassandra.cluster import EXEC_PROFILE_DEFAULT
from cassandra.concurrent import execute_concurrent
from cassandra.query import BatchStatement, BatchType, PreparedStatement

from angarium.clock import SystemClock
from angarium.engines.cassandra.cluster import CassandraAddress, build
from angarium.engines.cassandra.statements import Statement
from bench.contenders import Settings
from bench.population import TEXT, Talk
from tests.engines.addresses import contact_points

BATCH = 100
AT_ONCE = 16
WRITE_S = 30.0
"""Patience for one batch: filling a table is not what is measured."""


def fill(settings: Settings, talks: Sequence[Talk], messages: int) -> None:
    """Write so many messages into each conversation, a second apart."""
    address = CassandraAddress(
        contact_points(settings["ANGARIUM_CASSANDRA"]), settings["ANGARIUM_KEYSPACE"]
    )
    cluster = build(address)
    try:
        session = cluster.connect()
        session.get_execution_profile(EXEC_PROFILE_DEFAULT).request_timeout = WRITE_S
        statement = session.prepare(Statement.ADD_MESSAGE.cql(address.quoted_keyspace))
        batches = ((batch, ()) for talk in talks for batch in _batches(statement, talk, messages))
        for _ in execute_concurrent(session, batches, concurrency=AT_ONCE, results_generator=True):
            continue
    finally:
        cluster.shutdown()


def _batches(statement: PreparedStatement, talk: Talk, messages: int) -> Iterator[BatchStatement]:
    now_ms = SystemClock().now_ms()
    for start in range(0, messages, BATCH):
        batch = BatchStatement(BatchType.UNLOGGED)
        for number in range(start, min(start + BATCH, messages)):
            batch.add(statement, _row(talk, number, now_ms - (messages - number) * 1000))
        yield batch


def _row(talk: Talk, number: int, timestamp: int) -> tuple[object, ...]:
    sender_id, recipient_id = talk.members
    message_id: UUID = uuid4()
    conversation_id = talk.conversation_id
    values = (conversation_id, timestamp, number, message_id, sender_id, recipient_id, TEXT * 2)
    return (*values, "DELIVERED", timestamp * 1000)
