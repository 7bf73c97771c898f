"""The router's half of the messages on Cassandra."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from angarium.domain.message import Message, Place, Status, sent_where_online
from angarium.engines.cassandra import rows
from angarium.engines.cassandra.inboxes import Inboxes
from angarium.engines.cassandra.rows import MESSAGE_RANK, RECEIPT_RANK, MessageState, write_time
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.engines.cassandra.steps import Steps, all_of, outcome_of, run
from angarium.ports.messages import Marked, Receipt, Recorded

BATCH = 16
"""So many messages are written as one mutation. A reader may see a mutation before it is on enough replicas,
and Cassandra then repairs only the rows that were read. So that nobody can see a message without those before
it, a read starts behind a message that was read before, or takes at least so many from the newest on, or ends
at a message up to which all are on enough replicas: one that was read before, or that an inbox notes."""

RECEIPTS_AT_ONCE = 100

MARK_EVERY = 512
"""Marks follow at every such offset, also where nobody confirms: people who only write have marks as well."""

Item = TypeVar("Item")


class CassandraRecorder:
    """Implements `ports.messages.MessageRecorder`: one read, then batches of single partitions."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._inboxes = Inboxes(session)

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: "Future[Collection[UUID]] | None" = None,
    ) -> "Future[tuple[Recorded, ...]]":
        """Store messages, each id once; see the port.

        Args:
            conversation_id: The conversation of all of them.
            messages: In the order of their places.
            online: Who is online; the ids are looked up meanwhile.

        Returns:
            A future of what became of each.
        """
        return run(self._record(conversation_id, messages, online))

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> "Future[tuple[Marked, ...]]":
        """Raise messages to DELIVERED; see the port.

        Args:
            conversation_id: The conversation of all of them.
            receipts: In the order of their records.

        Returns:
            A future of what became of each.
        """
        return run(self._mark_delivered(conversation_id, receipts))

    def _record(
        self, conversation_id: UUID, messages: Sequence[Message], online: "Future[Collection[UUID]] | None"
    ) -> Steps[tuple[Recorded, ...]]:
        ids = list(dict.fromkeys(message.message_id for message in messages))
        found = yield self._session.submit(Statement.FIND_IN_INDEX, (conversation_id, ids))
        known = {message_id: (place, sender) for message_id, place, sender in map(rows.indexed, found)}
        if online is not None:
            messages = sent_where_online(messages, (yield from outcome_of(online)))
        outcomes, standing = _sort_out(messages, known)
        if standing:
            for batch in _chunks(standing, BATCH):
                yield self._session.submit_batch(Statement.ADD_MESSAGE, [_message(each) for each in batch])
            # Not before the messages are durable: an id in the index means that its message is there, and the
            # newest one of an inbox that all before it are.
            noted = list(self._inboxes.note_newest(standing))
            fresh = [_index(each) for each in standing if each.message_id not in known]
            if fresh:
                noted.append(self._session.submit_batch(Statement.ADD_TO_INDEX, fresh))
            yield from all_of(noted)
            if any(message.place.offset % MARK_EVERY == 0 for message in standing):
                at = standing[-1].place.timestamp
                yield from self._inboxes.advance(conversation_id, _own(standing), at, thoroughly=True)
        return outcomes

    def _mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> Steps[tuple[Marked, ...]]:
        outcomes: list[Marked] = []
        confirmed: defaultdict[UUID, list[Place]] = defaultdict(list)
        for batch in _chunks(receipts, RECEIPTS_AT_ONCE):
            outcomes += yield from self._raise(conversation_id, batch, confirmed)
        at = max((receipt.delivered_at for receipt in receipts), default=0)
        yield from self._inboxes.advance(conversation_id, confirmed, at)
        return tuple(outcomes)

    def _raise(
        self, conversation_id: UUID, receipts: Sequence[Receipt], confirmed: Mapping[UUID, list[Place]]
    ) -> Steps[Sequence[Marked]]:
        ids = list(dict.fromkeys(receipt.message_id for receipt in receipts))
        found = yield self._session.submit(Statement.FIND_IN_INDEX, (conversation_id, ids))
        places = [(place.timestamp, place.offset, key) for key, place, _ in map(rows.indexed, found)]
        if not places:
            return [Marked.UNKNOWN] * len(receipts)
        stored = yield self._session.submit(Statement.STATES_AT, (conversation_id, places))
        states = {state.message_id: state for state in map(rows.state, stored)}
        outcomes, raised = _confirm(receipts, states)
        if raised:
            updates = [_delivery(conversation_id, states[each.message_id], each) for each in raised]
            yield self._session.submit_batch(Statement.MARK_DELIVERED, updates)
        for receipt, outcome in zip(receipts, outcomes, strict=True):
            # Also for repeated receipts: a crash may have come between a status and its mark.
            if outcome in _HIS_OWN:
                confirmed[receipt.recipient_id].append(states[receipt.message_id].place)
        return outcomes


_HIS_OWN = frozenset({Marked.DELIVERED, Marked.REPEATED})


def _chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _sort_out(
    messages: Sequence[Message], known: Mapping[UUID, tuple[Place, UUID]]
) -> tuple[tuple[Recorded, ...], list[Message]]:
    seen = dict(known)
    outcomes: list[Recorded] = []
    standing: dict[UUID, Message] = {}
    for message in messages:
        place, sender_id = seen.get(message.message_id, (None, None))
        if place is None:
            seen[message.message_id] = (message.place, message.sender_id)
            standing[message.message_id] = message
            outcomes.append(Recorded.STORED)
        elif place == message.place:
            # A restored backup has its tables from different moments: the index may know what they lack.
            standing.setdefault(message.message_id, _as_stored_before(message))
            outcomes.append(Recorded.REPLAYED)
        else:
            outcomes.append(Recorded.DUPLICATE if sender_id == message.sender_id else Recorded.CONFLICT)
    return tuple(outcomes), list(standing.values())


def _as_stored_before(message: Message) -> Message:
    # Of two values that were written at one time the greater stands: PENDING changes no status that is there.
    return replace(message, status=Status.PENDING)


def _confirm(
    receipts: Sequence[Receipt], states: Mapping[UUID, MessageState]
) -> tuple[list[Marked], list[Receipt]]:
    delivered = {key for key, state in states.items() if state.status is Status.DELIVERED}
    outcomes: list[Marked] = []
    raised: list[Receipt] = []
    for receipt in receipts:
        state = states.get(receipt.message_id)
        if state is None:
            outcomes.append(Marked.UNKNOWN)
        elif state.recipient_id != receipt.recipient_id:
            outcomes.append(Marked.NOT_RECIPIENT)
        elif receipt.message_id in delivered:
            outcomes.append(Marked.REPEATED)
        else:
            delivered.add(receipt.message_id)
            raised.append(receipt)
            outcomes.append(Marked.DELIVERED)
    return outcomes, raised


def _own(messages: Sequence[Message]) -> Mapping[UUID, Sequence[Place]]:
    own: dict[UUID, list[Place]] = {messages[0].sender_id: [], messages[0].recipient_id: []}
    for message in messages:
        own[message.sender_id].append(message.place)
    return own


def _message(message: Message) -> tuple[object, ...]:
    return (
        message.conversation_id,
        message.place.timestamp,
        message.place.offset,
        message.message_id,
        message.sender_id,
        message.recipient_id,
        message.content,
        message.status.value,
        write_time(message.place.timestamp, MESSAGE_RANK),
    )


def _index(message: Message) -> tuple[object, ...]:
    return (
        message.conversation_id,
        message.message_id,
        message.place.timestamp,
        message.place.offset,
        message.sender_id,
        write_time(message.place.timestamp, MESSAGE_RANK),
    )


def _delivery(conversation_id: UUID, state: MessageState, receipt: Receipt) -> tuple[object, ...]:
    # A receipt comes after its message, so its time is not before; if it ever were, it still has to win.
    written_at = max(receipt.delivered_at, state.place.timestamp)
    return (
        write_time(written_at, RECEIPT_RANK),
        receipt.delivered_at,
        conversation_id,
        state.place.timestamp,
        state.place.offset,
        state.message_id,
    )
