"""One queue per conversation, concurrent to all others."""

from collections import deque
from dataclasses import dataclass
from uuid import UUID

from angarium.router.offsets import OffsetTracker
from angarium.router.record_decoder import LogEntry

MAX_BATCH_MESSAGES = 400
"""Maximum messages of a batch: a receipt confirms up to 100, which the
store reads and writes one hundred after the other. Four take some 20
requests in a row. A batch of 64 would take 260, which a slow store
cannot answer within the time limit of one call.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Consecutive entries of one conversation that one call applies.

    All are of the same event type and the same assignment.

    Attributes:
        conversation_id: The conversation of all entries.
        entries: One or more, in the order of their offsets.
    """

    conversation_id: UUID
    entries: tuple[LogEntry, ...]

    @property
    def tracker(self) -> OffsetTracker:
        """The offset tracker that the entries count towards."""
        return self.entries[0].tracker


class ConversationQueues:
    """Gives out batches, at most one per conversation at a time.

    A queue is ready (it has entries and no batch is being applied),
    busy (a batch is being applied), or does not exist. Used only by the
    worker's thread.
    """

    def __init__(self, max_batch_records: int = 64) -> None:
        """Start without queues.

        Args:
            max_batch_records: Maximum number of entries in one batch.
        """
        self._max_batch_records = max_batch_records
        self._queues: dict[UUID, deque[LogEntry]] = {}
        self._ready: deque[UUID] = deque()
        self._busy: set[UUID] = set()

    @property
    def busy(self) -> int:
        """How many queues have a batch that is being applied."""
        return len(self._busy)

    @property
    def ready(self) -> int:
        """How many queues have entries and can give out a batch."""
        return len(self._ready)

    def add(self, entry: LogEntry) -> None:
        """Put an entry at the end of its conversation's queue.

        Args:
            entry: Comes after every earlier entry of its conversation.
        """
        conversation_id = entry.event.conversation_id
        queue = self._queues.get(conversation_id)
        if queue is None:
            queue = self._queues[conversation_id] = deque()
            self._ready.append(conversation_id)
        queue.append(entry)

    def take(self) -> Batch | None:
        """Give out the next batch; its queue is busy until `release`.

        Returns:
            The longest run of one event type at the head of the queue
            that has waited longest; None when no queue is ready.
        """
        if not self._ready:
            return None
        conversation_id = self._ready.popleft()
        self._busy.add(conversation_id)
        queue = self._queues[conversation_id]
        first = queue.popleft()
        run = [first]
        messages = first.messages
        kind = type(first.event)
        while queue and len(run) < self._max_batch_records:
            entry = queue[0]
            if type(entry.event) is not kind or entry.tracker is not first.tracker:
                break
            messages += entry.messages
            if messages > MAX_BATCH_MESSAGES:
                break
            run.append(queue.popleft())
        return Batch(conversation_id, tuple(run))

    def release(self, batch: Batch) -> None:
        """Make the queue of a finished or abandoned batch ready again.

        Args:
            batch: A batch that `take` returned.
        """
        conversation_id = batch.conversation_id
        self._busy.remove(conversation_id)
        if self._queues[conversation_id]:
            self._ready.append(conversation_id)
        else:
            del self._queues[conversation_id]

    def drop(self, tracker: OffsetTracker) -> None:
        """Forget the waiting entries of an assignment that was revoked.

        A batch that is being applied is not recalled.

        Args:
            tracker: Of the revoked assignment.
        """
        for conversation_id, queue in list(self._queues.items()):
            kept = deque(entry for entry in queue if entry.tracker is not tracker)
            if kept or conversation_id in self._busy:
                self._queues[conversation_id] = kept
            else:
                del self._queues[conversation_id]
        self._ready = deque(
            conversation_id for conversation_id in self._ready if conversation_id in self._queues
        )
