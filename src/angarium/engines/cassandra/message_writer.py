"""The router's half of the messages on Cassandra."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from angarium.domain.message import Message, MessagePosition, Status, status_when_stored
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.chain import Chain, await_future, gather, run_chain
from angarium.engines.cassandra.inbox_index import InboxIndex
from angarium.engines.cassandra.row_mapping import (
    MESSAGE_RANK,
    RECEIPT_RANK,
    MessageState,
    write_time,
)
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.ports.messages import Receipt, ReceiptOutcome, StoreOutcome

ROWS_PER_MUTATION = 16
"""So many messages are written as one mutation. A reader may see a
mutation before it is on enough replicas, and Cassandra then repairs
only the rows that were read. So that nobody can see a message without
those before it, a read starts behind a message that was read before, or
takes at least so many from the newest on, or ends at a message up to
which all are on enough replicas: one that was read before, or that an
inbox notes.
"""

RECEIPTS_AT_ONCE = 100

MARK_EVERY = 512
"""Marks follow at every such offset, also where nobody confirms: people
who only write have marks as well.
"""

Item = TypeVar("Item")


class CassandraMessageWriter:
    """Implements `ports.messages.MessageRecorder`: one read, then
    batches of single partitions.
    """

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._inboxes = InboxIndex(session)

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: "Future[Collection[UUID]] | None" = None,
    ) -> "Future[tuple[StoreOutcome, ...]]":
        """Store messages, each id once; see the port.

        Args:
            conversation_id: The conversation of all of them.
            messages: In the order of their places.
            online: Who is online; the ids are looked up meanwhile.

        Returns:
            A future of what became of each.
        """
        return run_chain(self._record(conversation_id, messages, online))

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> "Future[tuple[ReceiptOutcome, ...]]":
        """Raise messages to DELIVERED; see the port.

        Args:
            conversation_id: The conversation of all of them.
            receipts: In the order of their records.

        Returns:
            A future of what became of each.
        """
        return run_chain(self._mark_delivered(conversation_id, receipts))

    def _record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: "Future[Collection[UUID]] | None",
    ) -> Chain[tuple[StoreOutcome, ...]]:
        ids = list(dict.fromkeys(message.message_id for message in messages))
        found = yield self._session.submit(Statement.FIND_IN_INDEX, (conversation_id, ids))
        known = {
            message_id: (position, sender)
            for message_id, position, sender in map(row_mapping.indexed, found)
        }
        if online is not None:
            messages = status_when_stored(messages, (yield from await_future(online)))
        outcomes, standing = _sort_out(messages, known)
        if standing:
            for batch in _chunks(standing, ROWS_PER_MUTATION):
                yield self._session.submit_batch(
                    Statement.ADD_MESSAGE, [_message(each) for each in batch]
                )
            # Not before the messages are durable: an id in the index
            # means that its message is there, and the newest one of an
            # inbox that all before it are.
            noted = list(self._inboxes.note_newest(standing))
            fresh = [_index(each) for each in standing if each.message_id not in known]
            if fresh:
                noted.append(self._session.submit_batch(Statement.ADD_TO_INDEX, fresh))
            yield from gather(noted)
            if any(message.position.offset % MARK_EVERY == 0 for message in standing):
                at = standing[-1].position.timestamp
                yield from self._inboxes.advance(
                    conversation_id, _own(standing), at, thoroughly=True
                )
        return outcomes

    def _mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> Chain[tuple[ReceiptOutcome, ...]]:
        outcomes: list[ReceiptOutcome] = []
        confirmed: defaultdict[UUID, list[MessagePosition]] = defaultdict(list)
        for batch in _chunks(receipts, RECEIPTS_AT_ONCE):
            outcomes += yield from self._raise(conversation_id, batch, confirmed)
        at = max((receipt.delivered_at for receipt in receipts), default=0)
        yield from self._inboxes.advance(conversation_id, confirmed, at)
        return tuple(outcomes)

    def _raise(
        self,
        conversation_id: UUID,
        receipts: Sequence[Receipt],
        confirmed: Mapping[UUID, list[MessagePosition]],
    ) -> Chain[Sequence[ReceiptOutcome]]:
        ids = list(dict.fromkeys(receipt.message_id for receipt in receipts))
        found = yield self._session.submit(Statement.FIND_IN_INDEX, (conversation_id, ids))
        positions = [
            (position.timestamp, position.offset, key)
            for key, position, _ in map(row_mapping.indexed, found)
        ]
        if not positions:
            return [ReceiptOutcome.UNKNOWN] * len(receipts)
        stored = yield self._session.submit(Statement.STATES_AT, (conversation_id, positions))
        states = {state.message_id: state for state in map(row_mapping.state, stored)}
        outcomes, raised = _confirm(receipts, states)
        if raised:
            updates = [
                _delivery(conversation_id, states[each.message_id], each) for each in raised
            ]
            yield self._session.submit_batch(Statement.MARK_DELIVERED, updates)
        for receipt, outcome in zip(receipts, outcomes, strict=True):
            # Also for repeated receipts: a crash may have come between
            # a status and its mark.
            if outcome in _HIS_OWN:
                confirmed[receipt.recipient_id].append(states[receipt.message_id].position)
        return outcomes


_HIS_OWN = frozenset({ReceiptOutcome.DELIVERED, ReceiptOutcome.REPEATED})


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _sort_out(
    messages: Sequence[Message], known: Mapping[UUID, tuple[MessagePosition, UUID]]
) -> tuple[tuple[StoreOutcome, ...], list[Message]]:
    seen = dict(known)
    outcomes: list[StoreOutcome] = []
    standing: dict[UUID, Message] = {}
    for message in messages:
        position, sender_id = seen.get(message.message_id, (None, None))
        if position is None:
            seen[message.message_id] = (message.position, message.sender_id)
            standing[message.message_id] = message
            outcomes.append(StoreOutcome.STORED)
        elif position == message.position:
            # A restored backup has its tables from different moments:
            # the index may know what they lack.
            standing.setdefault(message.message_id, _as_stored_before(message))
            outcomes.append(StoreOutcome.REPLAYED)
        else:
            outcomes.append(
                StoreOutcome.DUPLICATE if sender_id == message.sender_id else StoreOutcome.CONFLICT
            )
    return tuple(outcomes), list(standing.values())


def _as_stored_before(message: Message) -> Message:
    # Of two values that were written at one time the greater stands:
    # PENDING changes no status that is there.
    return replace(message, status=Status.PENDING)


def _confirm(
    receipts: Sequence[Receipt], states: Mapping[UUID, MessageState]
) -> tuple[list[ReceiptOutcome], list[Receipt]]:
    delivered = {key for key, state in states.items() if state.status is Status.DELIVERED}
    outcomes: list[ReceiptOutcome] = []
    raised: list[Receipt] = []
    for receipt in receipts:
        state = states.get(receipt.message_id)
        if state is None:
            outcomes.append(ReceiptOutcome.UNKNOWN)
        elif state.recipient_id != receipt.recipient_id:
            outcomes.append(ReceiptOutcome.NOT_RECIPIENT)
        elif receipt.message_id in delivered:
            outcomes.append(ReceiptOutcome.REPEATED)
        else:
            delivered.add(receipt.message_id)
            raised.append(receipt)
            outcomes.append(ReceiptOutcome.DELIVERED)
    return outcomes, raised


def _own(messages: Sequence[Message]) -> Mapping[UUID, Sequence[MessagePosition]]:
    own: dict[UUID, list[MessagePosition]] = {
        messages[0].sender_id: [],
        messages[0].recipient_id: [],
    }
    for message in messages:
        own[message.sender_id].append(message.position)
    return own


def _message(message: Message) -> tuple[object, ...]:
    return (
        message.conversation_id,
        message.position.timestamp,
        message.position.offset,
        message.message_id,
        message.sender_id,
        message.recipient_id,
        message.content,
        message.status.value,
        write_time(message.position.timestamp, MESSAGE_RANK),
    )


def _index(message: Message) -> tuple[object, ...]:
    return (
        message.conversation_id,
        message.message_id,
        message.position.timestamp,
        message.position.offset,
        message.sender_id,
        write_time(message.position.timestamp, MESSAGE_RANK),
    )


def _delivery(conversation_id: UUID, state: MessageState, receipt: Receipt) -> tuple[object, ...]:
    # A receipt comes after its message, so its time is not before; if
    # it ever were, it still has to win.
    written_at = max(receipt.delivered_at, state.position.timestamp)
    return (
        write_time(written_at, RECEIPT_RANK),
        receipt.delivered_at,
        conversation_id,
        state.position.timestamp,
        state.position.offset,
        state.message_id,
    )
