"""A record's rows."""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from cassandra.query import BatchStatement, BatchType, BoundStatement, PreparedStatement
from kafka.consumer.fetcher import ConsumerRecord

from angarium.engines.cassandra.statements import Statement

Prepared = Mapping[Statement, PreparedStatement]


class Incoming(NamedTuple):
    """A message off the log."""

    conversation_id: UUID
    message_id: UUID
    sender_id: UUID
    recipient_id: UUID
    content: str
    timestamp: int
    offset: int


def read(record: ConsumerRecord) -> Incoming:
    """Decode a record."""
    event = json.loads(record.value)
    payload = event["payload"]
    return Incoming(
        UUID(event["conversation_id"]),
        UUID(payload["message_id"]),
        UUID(payload["sender_id"]),
        UUID(payload["recipient_id"]),
        payload["content"],
        record.timestamp,
        record.offset,
    )


def message_row(message: Incoming) -> tuple[object, ...]:
    """Give the values of ADD_MESSAGE."""
    return (
        message.conversation_id,
        message.timestamp,
        message.offset,
        message.message_id,
        message.sender_id,
        message.recipient_id,
        message.content,
        "PENDING",
        message.timestamp * 1000,
    )


def index_row(message: Incoming) -> tuple[object, ...]:
    """Give the values of ADD_TO_INDEX."""
    return (
        message.conversation_id,
        message.message_id,
        message.timestamp,
        message.offset,
        message.sender_id,
        message.timestamp * 1000,
    )


def both_rows(prepared: Prepared, messages: Sequence[Incoming]) -> BatchStatement:
    """Bind ADD_MESSAGE and ADD_TO_INDEX as one mutation."""
    batch = BatchStatement(BatchType.UNLOGGED)
    for message in messages:
        batch.add(prepared[Statement.ADD_MESSAGE], message_row(message))
        batch.add(prepared[Statement.ADD_TO_INDEX], index_row(message))
    return batch


def note(prepared: Prepared, message: Incoming) -> BoundStatement:
    """Bind NOTE_NEWEST."""
    return prepared[Statement.NOTE_NEWEST].bind(
        (
            message.recipient_id,
            message.conversation_id,
            message.timestamp,
            message.offset,
            message.timestamp * 1000,
        )
    )


def tell(timestamps: list[int]) -> None:
    """Write how many milliseconds after its append each message was
    stored.
    """
    now = time.time_ns() // 1_000_000
    ages = " ".join([str(now - timestamp) for timestamp in timestamps])
    # In one piece: `print` writes each of its arguments by itself where
    # output is not buffered.
    sys.stdout.write(f"stored {ages}\n")
    sys.stdout.flush()
