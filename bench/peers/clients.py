"""Kafka's clients and Cassandra's driver, set as the contender sets
them.
"""

import os
from collections.abc import Mapping

import kafka
from cassandra.cluster import Session
from cassandra.query import PreparedStatement
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.future import Future

from angarium.engines.cassandra.cluster import CassandraAddress, build
from angarium.engines.cassandra.statements import Statement
from bench.backlog import Value
from tests.engines.addresses import contact_points

BATCH = 500


class Appends:
    """Appends events to the topic."""

    def __init__(self, linger_ms: int = 0) -> None:
        self._topic = os.environ["ANGARIUM_TOPIC"]
        self._producer = kafka.KafkaProducer(
            bootstrap_servers=os.environ["ANGARIUM_KAFKA"].split(","),
            acks="all",
            enable_idempotence=True,
            linger_ms=linger_ms,
            metrics_enabled=False,
        )

    def append(self, value: Value) -> Future:
        """Begin to append one, and give the library's future."""
        key, event = value
        return self._producer.send(
            self._topic, event, key, [("trace_id", key[:32]), ("schema", b"1")]
        )


def consumer() -> kafka.KafkaConsumer:
    """Join a group."""
    joined = kafka.KafkaConsumer(
        bootstrap_servers=os.environ["ANGARIUM_KAFKA"].split(","),
        group_id=os.environ["ANGARIUM_GROUP"],
        partition_assignment_strategy=[CooperativeStickyAssignor],
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=10_000,
        max_poll_records=BATCH,
        metrics_enabled=False,
    )
    joined.subscribe([os.environ["ANGARIUM_TOPIC"]])
    return joined


def session() -> tuple[Session, Mapping[Statement, PreparedStatement]]:
    """Connect, and prepare what writes messages and reads a page of
    them.
    """
    points = contact_points(os.environ["ANGARIUM_CASSANDRA"])
    address = CassandraAddress(points, os.environ["ANGARIUM_KEYSPACE"])
    connected = build(address).connect()
    needed = (
        Statement.FIND_IN_INDEX,
        Statement.ADD_MESSAGE,
        Statement.NOTE_NEWEST,
        Statement.ADD_TO_INDEX,
        Statement.NEWEST,
    )
    return connected, {
        statement: connected.prepare(statement.cql(address.quoted_keyspace))
        for statement in needed
    }
