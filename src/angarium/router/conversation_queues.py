"""One conversation, one lane: in order within it, side by side with all
others.
"""

from collections import deque
from dataclasses import dataclass
from uuid import UUID

from angarium.router.offsets import OffsetTracker
from angarium.router.record_decoder import LogEntry


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Consecutive entries of one conversation, one kind and one
    assignment, applied in one call.

    Attributes:
        conversation_id: Whose entries they are.
        entries: One or more, in the order of their offsets.
    """

    conversation_id: UUID
    entries: tuple[LogEntry, ...]

    @property
    def progress(self) -> OffsetTracker:
        """The partition's progress that the entries count towards."""
        return self.entries[0].progress


class ConversationQueues:
    """Hands out groups so that no conversation has two at once; used by
    the worker's thread alone.

    A lane is ready (it has entries and no group is out), busy (a group
    is out), or does not exist.
    """

    def __init__(self, max_batch_records: int = 64) -> None:
        self._max_batch_records = max_batch_records
        self._queues: dict[UUID, deque[LogEntry]] = {}
        self._ready: deque[UUID] = deque()
        self._busy: set[UUID] = set()

    @property
    def busy(self) -> int:
        """How many lanes have a group out."""
        return len(self._busy)

    @property
    def ready(self) -> int:
        """How many lanes have entries and no group out."""
        return len(self._ready)

    def add(self, entry: LogEntry) -> None:
        """Put an entry at the end of its conversation's queue.

        Args:
            entry: To be applied after every earlier one of its
                conversation.
        """
        conversation_id = entry.event.conversation_id
        queue = self._queues.get(conversation_id)
        if queue is None:
            queue = self._queues[conversation_id] = deque()
            self._ready.append(conversation_id)
        queue.append(entry)

    def take(self) -> Batch | None:
        """Give the next group out; its lane is busy until it is
        released.

        Returns:
            The longest run of one kind at the head of the lane that
            waited longest; None when none is ready.
        """
        if not self._ready:
            return None
        conversation_id = self._ready.popleft()
        self._busy.add(conversation_id)
        queue = self._queues[conversation_id]
        first = queue.popleft()
        run = [first]
        kind = type(first.event)
        while queue and len(run) < self._max_batch_records:
            entry = queue[0]
            if type(entry.event) is not kind or entry.progress is not first.progress:
                break
            run.append(queue.popleft())
        return Batch(conversation_id, tuple(run))

    def release(self, batch: Batch) -> None:
        """Let the lane of a group that is done, or given up, go on.

        Args:
            batch: What `take` gave.
        """
        conversation_id = batch.conversation_id
        self._busy.remove(conversation_id)
        if self._queues[conversation_id]:
            self._ready.append(conversation_id)
        else:
            del self._queues[conversation_id]

    def drop(self, progress: OffsetTracker) -> None:
        """Forget the waiting entries of an assignment that is over; a
        group that is out stays out.

        Args:
            progress: The lost assignment's.
        """
        for conversation_id, queue in list(self._queues.items()):
            kept = deque(entry for entry in queue if entry.progress is not progress)
            if kept or conversation_id in self._busy:
                self._queues[conversation_id] = kept
            else:
                del self._queues[conversation_id]
        self._ready = deque(
            conversation_id for conversation_id in self._ready if conversation_id in self._queues
        )
