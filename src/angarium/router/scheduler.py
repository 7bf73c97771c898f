"""Getting entries applied: lane by lane, again and again, until each is
durable.
"""

from collections.abc import Sequence

from angarium.domain.events import NewMessage
from angarium.ports.message_log import DeadLetter
from angarium.router.conversation_queues import Batch, ConversationQueues
from angarium.router.handlers import DeadLetterTask, MarkDeliveredTask, StoreMessagesTask
from angarium.router.offsets import OffsetTracker
from angarium.router.presence_lookup import ask_presence
from angarium.router.record_decoder import LogEntry
from angarium.router.retry_queue import RetryQueue
from angarium.router.settings import WorkerDependencies
from angarium.router.tasks import CompletionQueue, Task


class Scheduler:
    """Everything between a record that was read and its offset that is
    finished.

    Used by the worker's thread alone; what happens on other threads is
    in `CompletionQueue`.
    """

    def __init__(self, ports: WorkerDependencies) -> None:
        self._ports = ports
        self._lanes = ConversationQueues(ports.limits.max_batch_records)
        self._calls: CompletionQueue[Task] = CompletionQueue(
            ports.clock, ports.limits.call_timeout_s
        )
        self._store = RetryQueue(ports.health_of("store", "store"), ports.clock)
        self._dead_letters = RetryQueue(
            ports.health_of("dead_letters", "log of dead letters"), ports.clock
        )

    @property
    def in_flight(self) -> bool:
        """Whether calls are under way, whose ends are worth waiting
        for.
        """
        return len(self._calls) > 0

    @property
    def store_unavailable(self) -> bool:
        """Whether the store is out."""
        return self._store.outage.unavailable

    @property
    def should_pause(self) -> bool:
        """Whether more records would only wait: the store is out, and
        who will ask for it next is at hand.
        """
        return self.store_unavailable and self._lanes.ready > 0

    def add(self, entry: LogEntry) -> None:
        """Take an entry to be applied.

        Args:
            entry: After every earlier one of its conversation.
        """
        self._lanes.add(entry)

    def send_to_dead_letters(self, letter: DeadLetter, progress: OffsetTracker) -> None:
        """Take a dead letter to be put away.

        Args:
            letter: What cannot be applied.
            progress: Of its record's partition.
        """
        self._start_task(DeadLetterTask(letter, progress, self._ports.dead_letters))

    def drop(self, progress: OffsetTracker) -> None:
        """Forget what was not begun of an assignment that is over; what
        was begun is not tried again.

        Args:
            progress: The lost assignment's.
        """
        self._lanes.drop(progress)

    def start(self) -> None:
        """Begin what can be begun: what is due for another try, then
        new groups of conversations.
        """
        retried = [self._retry(work) for work in self._store.take_due()]
        for work in self._dead_letters.take_due():
            self._retry(work)
        if self.store_unavailable and not self._lanes.busy:
            # Whoever waited for another try is gone with their
            # assignments: others must find out.
            self._store.outage.reset()
        if not self.store_unavailable:
            self._start_batches(self._ports.limits.max_batches)
        elif any(retried):
            # Somebody new asks as well: what failed may fail for
            # reasons of its own.
            self._start_batches(1)

    def collect(self, wait: float) -> bool:
        """Take in the calls that ended.

        Args:
            wait: Seconds to wait for the first; 0 does not wait.

        Returns:
            Whether there were any.
        """
        ended = self._calls.take_completed(wait)
        for work, error in ended:
            self._finish(work, error)
        return bool(ended)

    def next_retry_in(self) -> float | None:
        """Tell when `start` has something to try again.

        Returns:
            Seconds; None when nothing waits for a moment.
        """
        waits = [
            wait
            for wait in (self._store.next_try_in(), self._dead_letters.next_try_in())
            if wait is not None
        ]
        return min(waits, default=None)

    def _retry(self, work: Task) -> bool:
        if work.progress.over:
            self._release(work)
            return False
        self._start_task(work)
        return True

    def _start_batches(self, most: int) -> None:
        messages: list[Batch] = []
        for _ in range(min(most, self._ports.limits.max_batches - self._lanes.busy)):
            group = self._lanes.take()
            if group is None:
                break
            if isinstance(group.entries[0].event, NewMessage):
                messages.append(group)
            else:
                self._start_task(MarkDeliveredTask(group, self._ports.recorder))
        if messages:
            online = ask_presence(messages, self._ports.online)
            for group in messages:
                self._start_task(
                    StoreMessagesTask(group, online, self._ports.recorder, self._ports.clock)
                )

    def _start_task(self, work: Task) -> None:
        work.attempts += 1
        self._calls.start(work)

    def _finish(self, work: Task, error: Exception | None) -> None:
        retries = self._retry_queue_of(work)
        letters: Sequence[DeadLetter] = ()
        if error is None:
            error, letters = _finish_task(work)
        if error is not None and not work.progress.over:
            retries.add(work, error)
            return
        if error is None:
            retries.record_success(work)
        else:
            retries.abandon(work)
        self._release(work)
        if not work.progress.over:
            for letter in letters:
                self.send_to_dead_letters(letter, work.progress)

    def _retry_queue_of(self, work: Task) -> RetryQueue:
        return self._dead_letters if work.batch is None else self._store

    def _release(self, work: Task) -> None:
        if work.batch is not None:
            self._lanes.release(work.batch)


def _finish_task(work: Task) -> tuple[Exception | None, Sequence[DeadLetter]]:
    try:
        return None, work.finish()
    except Exception as error:  # noqa: BLE001 - told by Retries and tried again: nothing is ever skipped
        return error, ()
