"""Messages on Cassandra as the worker writes them.

The order is: messages with their index rows, then the newest positions,
then the delivered positions (docs/adr/0029, docs/adr/0016). Everything
may be repeated, because a write's timestamp is made from the log.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import TypeVar
from uuid import UUID

from angarium.domain.message import Message, MessagePosition, Status, status_when_stored
from angarium.engines.cassandra import row_mapping
from angarium.engines.cassandra.chain import Chain, await_future, gather, run_chain
from angarium.engines.cassandra.inbox_index import InboxIndex
from angarium.engines.cassandra.message_lookup import find_states
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.row_mapping import (
    MESSAGE_RANK,
    RECEIPT_RANK,
    MessageState,
    write_time,
)
from angarium.engines.cassandra.session import CassandraSession, Request
from angarium.engines.cassandra.statements import Statement
from angarium.ports.messages import Receipt, ReceiptOutcome, StoreOutcome

MAX_RECEIPTS_PER_READ = 100
"""As many ids as one receipt of the API may have
(`domain.events.MAX_RECEIPT_IDS`): a statement's list stays that short.
"""

FULL_SCAN_EVERY = 512
"""Delivered positions also move at every such offset, because people
who only write never confirm anything (docs/adr/0020).
"""

Item = TypeVar("Item")


class CassandraMessageWriter:
    """Implements `ports.messages.MessageWriter`.

    One read, then batches that are each one mutation of one partition.
    """

    def __init__(self, session: CassandraSession) -> None:
        """Write messages, and inboxes, through one session."""
        self._session = session
        self._inbox_index = InboxIndex(session)

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: "Future[Collection[UUID]] | None" = None,
    ) -> "Future[tuple[StoreOutcome, ...]]":
        """Implements `MessageWriter.record`, as a chain."""
        return run_chain(self._record(conversation_id, messages, online))

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> "Future[tuple[ReceiptOutcome, ...]]":
        """Implements `MessageWriter.mark_delivered`."""
        return run_chain(self._mark_delivered(conversation_id, receipts))

    def _record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: "Future[Collection[UUID]] | None",
    ) -> Chain[tuple[StoreOutcome, ...]]:
        """Deduplicate, and store what is new in the module's order."""
        ids = list(dict.fromkeys(message.message_id for message in messages))
        found = yield self._session.submit(Statement.FIND_IN_INDEX, (conversation_id, ids))
        known = {
            message_id: (position, sender)
            for message_id, position, sender in map(row_mapping.indexed, found)
        }
        if online is not None:
            messages = status_when_stored(messages, (yield from await_future(online)))
        outcomes, to_write = _sort_messages(messages, known)
        if to_write:
            for batch in chunks(to_write, ROWS_PER_MUTATION):
                yield self._session.submit_batch(message_writes(batch))
            # Only once the messages are on a quorum: an inbox's newest
            # position means that all messages before it are.
            yield from gather(self._inbox_index.note_newest(to_write))
            if any(message.position.offset % FULL_SCAN_EVERY == 0 for message in to_write):
                at = to_write[-1].position.timestamp
                yield from self._inbox_index.advance(
                    conversation_id, _positions_by_user(to_write), at, full_scan=True
                )
        return outcomes

    def _mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> Chain[tuple[ReceiptOutcome, ...]]:
        """Confirm in batches, then move delivered positions."""
        outcomes: list[ReceiptOutcome] = []
        confirmed: defaultdict[UUID, list[MessagePosition]] = defaultdict(list)
        for batch in chunks(receipts, MAX_RECEIPTS_PER_READ):
            outcomes += yield from self._confirm_batch(conversation_id, batch, confirmed)
        at = max((receipt.delivered_at for receipt in receipts), default=0)
        yield from self._inbox_index.advance(conversation_id, confirmed, at)
        return tuple(outcomes)

    def _confirm_batch(
        self,
        conversation_id: UUID,
        receipts: Sequence[Receipt],
        confirmed: Mapping[UUID, list[MessagePosition]],
    ) -> Chain[Sequence[ReceiptOutcome]]:
        """Mark at most 100 messages DELIVERED; add to `confirmed`."""
        ids = list(dict.fromkeys(receipt.message_id for receipt in receipts))
        states = yield from find_states(self._session, conversation_id, ids)
        outcomes, raised = _sort_receipts(receipts, states)
        if raised:
            yield self._session.submit_batch(
                [
                    delivery_write(
                        conversation_id,
                        each.message_id,
                        states[each.message_id].position,
                        each.delivered_at,
                    )
                    for each in raised
                ]
            )
        for receipt, outcome in zip(receipts, outcomes, strict=True):
            # Also for repeated receipts: a crash may have come between
            # a status and the delivered position.
            if outcome in _CONFIRMED:
                confirmed[receipt.recipient_id].append(states[receipt.message_id].position)
        return outcomes


_CONFIRMED = frozenset({ReceiptOutcome.DELIVERED, ReceiptOutcome.REPEATED})


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Split a sequence.

    Args:
        items: Anything.
        size: The length of each part.

    Yields:
        The parts, in order; the last one may be shorter.
    """
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _sort_messages(
    messages: Sequence[Message], known: Mapping[UUID, tuple[MessagePosition, UUID]]
) -> tuple[tuple[StoreOutcome, ...], list[Message]]:
    """Return an outcome for each message, and what to write.

    A replayed message is written again: a restored backup has its
    tables from different moments, so the index may know of messages
    that the other table lacks.
    """
    seen = dict(known)
    outcomes: list[StoreOutcome] = []
    to_write: dict[UUID, Message] = {}
    for message in messages:
        position, sender_id = seen.get(message.message_id, (None, None))
        if position is None:
            seen[message.message_id] = (message.position, message.sender_id)
            to_write[message.message_id] = message
            outcomes.append(StoreOutcome.STORED)
        elif position == message.position:
            # A restored backup has its tables from different moments:
            # the index may know what they lack.
            to_write.setdefault(message.message_id, _as_stored_before(message))
            outcomes.append(StoreOutcome.REPLAYED)
        else:
            outcomes.append(
                StoreOutcome.DUPLICATE if sender_id == message.sender_id else StoreOutcome.CONFLICT
            )
    return tuple(outcomes), list(to_write.values())


def _as_stored_before(message: Message) -> Message:
    """Return a replayed message so that its status changes nothing.

    Of two values with one write time the greater one wins, by bytes:
    SENT stays. DELIVERED has a later write time.
    """
    return message._replace(status=Status.PENDING)


def _sort_receipts(
    receipts: Sequence[Receipt], states: Mapping[UUID, MessageState]
) -> tuple[list[ReceiptOutcome], list[Receipt]]:
    """Return an outcome for each receipt, and those to write."""
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


def _positions_by_user(messages: Sequence[Message]) -> Mapping[UUID, Sequence[MessagePosition]]:
    """Return each user's own messages, which need no receipt of theirs.

    A user who only received has none.
    """
    own: dict[UUID, list[MessagePosition]] = {}
    for message in messages:
        own.setdefault(message.recipient_id, [])
        own.setdefault(message.sender_id, []).append(message.position)
    return own


def message_writes(messages: Sequence[Message]) -> list[Request]:
    """Return the writes of messages and of their index rows.

    A message that is stored again is written to both tables again: so
    it does not matter on how many replicas its index row was seen.

    Args:
        messages: Of one conversation, PENDING or SENT; at most
            ROWS_PER_MUTATION.

    Returns:
        What makes one mutation.
    """
    return [
        *((Statement.ADD_MESSAGE, _message_values(each)) for each in messages),
        *((Statement.ADD_TO_INDEX, _index_values(each)) for each in messages),
    ]


def _message_values(message: Message) -> tuple[object, ...]:
    """Return the values of ADD_MESSAGE."""
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


def _index_values(message: Message) -> tuple[object, ...]:
    """Return the values of ADD_TO_INDEX."""
    return (
        message.conversation_id,
        message.message_id,
        message.position.timestamp,
        message.position.offset,
        message.sender_id,
        write_time(message.position.timestamp, MESSAGE_RANK),
    )


def delivery_write(
    conversation_id: UUID, message_id: UUID, position: MessagePosition, delivered_at: int
) -> Request:
    """Return the write that marks a message DELIVERED.

    Args:
        conversation_id: The message's.
        message_id: Its id.
        position: Its position.
        delivered_at: The receipt's time, milliseconds.

    Returns:
        The write; its timestamp is the receipt's.
    """
    # A receipt comes after its message in the log, so its time is not
    # earlier; if it ever were, it would still have to win.
    written_at = max(delivered_at, position.timestamp)
    return Statement.MARK_DELIVERED, (
        write_time(written_at, RECEIPT_RANK),
        delivered_at,
        conversation_id,
        position.timestamp,
        position.offset,
        message_id,
    )
