"""What log and store say at one moment about one message."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from angarium.domain.message import Message, MessagePosition
from angarium.ports.message_log import Position
from angarium.ports.store_inspection import NO_ID, IndexRow
from angarium.services.trace.journey import RecordState, Subject
from angarium.services.trace.partition_scan import Origin, PartitionScan, Winner
from angarium.services.trace.refusals import Refusals


@dataclass(frozen=True, slots=True)
class LogView:
    """A partition and its group.

    Attributes:
        partition: Which.
        first: The offset of its first record.
        end: The offset after its last record.
        committed: How far the group is; None before its first commit.
        owner: The instance that owns the partition; None without one.
    """

    partition: int
    first: int
    end: int
    committed: Position | None
    owner: str | None

    @property
    def processed(self) -> int:
        """The next offset that the group processes."""
        return self.first if self.committed is None else self.committed.offset

    @property
    def lag(self) -> int:
        """How many records the group has not processed yet."""
        return max(0, self.end - self.processed)


@dataclass(frozen=True, slots=True)
class StoreView:
    """The rows with a message's id.

    Attributes:
        index: Its index row.
        rows: Its message rows.
        start: Where the log begins to explain the partition's rows;
            None when it does from its first record.
    """

    index: IndexRow | None
    rows: Sequence[Message]
    start: Position | None

    @property
    def row(self) -> Message | None:
        """The message's row: the one that the index names, if any."""
        at = None if self.index is None else self.index.position
        return min(self.rows, key=lambda row: (row.position != at, row.position), default=None)

    @property
    def position(self) -> MessagePosition | None:
        """Where the message is, by its row or else by its index row."""
        if (row := self.row) is not None:
            return row.position
        return None if self.index is None else self.index.position

    def record_state(self, log: LogView) -> RecordState | None:
        """Judge where the record of what is stored must be.

        Args:
            log: The message's partition.

        Returns:
            PRESENT when the partition should have it; LOST when it ends
            before; None when nothing is stored.
        """
        position = self.position
        if position is None:
            return None
        start = self.start
        begins_at = log.first if start is None else max(start.offset, log.first)
        if (
            start is not None
            and start.offset <= position.offset
            and position.timestamp < start.watermark
        ):
            # Its offset is one of another log.
            return RecordState.IMPORTED
        if position.offset < begins_at:
            return RecordState.EXPIRED
        return RecordState.PRESENT if position.offset < log.end else RecordState.LOST

    def winner(self, state: RecordState | None) -> Winner | None:
        """Return what the rows say of the message's record.

        Args:
            state: What `record_state` returned.

        Returns:
            What a scan compares records with; None without rows.
        """
        position, row = self.position, self.row
        if position is None:
            return None
        ids = [] if row is None else [row.sender_id]
        ids += [] if self.index is None else [self.index.sender_id]
        sender_id = next((each for each in ids if each != NO_ID), NO_ID)
        recipient_id = None if row is None or row.recipient_id == NO_ID else row.recipient_id
        there = state in {RecordState.PRESENT, RecordState.LOST}
        return Winner(position.offset if there else None, sender_id, recipient_id)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What else the store says, once the message's people are known.

    Attributes:
        names: Usernames by id.
        replicas: The nodes that keep the conversation.
        has_conversation: Whether readers find the conversation.
    """

    names: Mapping[UUID, str]
    replicas: Sequence[str]
    has_conversation: bool


@dataclass(frozen=True, slots=True)
class LogFindings:
    """All that the log says.

    Attributes:
        view: The partition and its group.
        scan: What the partition has.
        refusals: The dead letters about the message.
    """

    view: LogView
    scan: PartitionScan
    refusals: Refusals


@dataclass(frozen=True, slots=True)
class Findings:
    """All that log and store say.

    Attributes:
        subject: The message.
        log: None when the log does not answer.
        store: None when the store does not answer.
        unavailable: Why one of them does not, a line each.
    """

    subject: Subject
    log: LogFindings | None
    store: StoreView | None
    unavailable: Sequence[str]

    @property
    def row(self) -> Message | None:
        """The message's row."""
        return None if self.store is None else self.store.row

    @property
    def origin(self) -> Origin | None:
        """The message's record."""
        return None if self.log is None else self.log.scan.origin

    @property
    def people(self) -> tuple[UUID, UUID] | None:
        """Sender and recipient; None when nothing says who they are."""
        if self.origin is not None:
            return self.origin.event.sender_id, self.origin.event.recipient_id
        row = self.row
        return None if row is None else (row.sender_id, row.recipient_id)


def begin_scan(subject: Subject, log: LogView, store: StoreView | None) -> PartitionScan:
    """Begin a scan where the message can be at the earliest.

    Args:
        subject: The message.
        log: Its partition.
        store: Its rows; None when the store does not answer.

    Returns:
        A scan from its record on; from the partition's first record on
        when that is not known.
    """
    if store is None:
        return PartitionScan(subject, Position(log.first), log.committed)
    state, position = store.record_state(log), store.position
    begin = Position(log.first)
    if position is not None and state is RecordState.PRESENT:
        # Its timestamp is the watermark at its record.
        begin = Position(position.offset, position.timestamp)
    elif store.start is not None and store.start.offset >= log.first:
        begin = Position(log.first, store.start.watermark)
    return PartitionScan(subject, begin, log.committed, store.winner(state))
