"""Apply entries, one batch per conversation, until durable."""

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
    """Everything between a decoded record and its finished offset.

    Used only by the worker's thread; what happens on other threads is
    in `CompletionQueue`.
    """

    def __init__(self, dependencies: WorkerDependencies) -> None:
        """Start with nothing queued and nothing in flight.

        Args:
            dependencies: The ports and limits of the worker.
        """
        self._dependencies = dependencies
        self._queues = ConversationQueues(dependencies.limits.max_batch_records)
        self._calls: CompletionQueue[Task] = CompletionQueue(
            dependencies.clock, dependencies.limits.call_timeout_s
        )
        self._store_retries = RetryQueue(
            dependencies.health_of("store", "store"), dependencies.clock
        )
        self._dead_letter_retries = RetryQueue(
            dependencies.health_of("dead_letters", "log of dead letters"), dependencies.clock
        )

    @property
    def in_flight(self) -> bool:
        """Whether calls are in flight that one can wait for."""
        return len(self._calls) > 0

    @property
    def store_unavailable(self) -> bool:
        """Whether the last call to the store failed."""
        return self._store_retries.health.unavailable

    @property
    def should_pause(self) -> bool:
        """Whether more records would only wait.

        True while the store is unavailable and a queue is ready to try
        it next.
        """
        return self.store_unavailable and self._queues.ready > 0

    def add(self, entry: LogEntry) -> None:
        """Queue an entry to be applied.

        Args:
            entry: Comes after every earlier entry of its conversation.
        """
        self._queues.add(entry)

    def send_to_dead_letters(self, dead_letter: DeadLetter, tracker: OffsetTracker) -> None:
        """Start to append a dead letter.

        Args:
            dead_letter: The record that cannot be applied, with the
                reason.
            tracker: Of its record's partition.
        """
        self._start_task(DeadLetterTask(dead_letter, tracker, self._dependencies.dead_letters))

    def drop(self, tracker: OffsetTracker) -> None:
        """Forget the queued entries of a revoked assignment.

        Calls in flight end by themselves and are not repeated.

        Args:
            tracker: Of the revoked assignment.
        """
        self._queues.drop(tracker)

    def start(self) -> None:
        """Start the retries that are due, then new batches."""
        retried = [self._retry(task) for task in self._store_retries.take_due()]
        for task in self._dead_letter_retries.take_due():
            self._retry(task)
        if self.store_unavailable and not self._queues.busy:
            # The tasks that waited for a retry lost their assignments:
            # new batches must find out whether the store is back.
            self._store_retries.health.reset()
        if not self.store_unavailable:
            self._start_batches(self._dependencies.limits.max_batches)
        elif any(retried):
            # A new batch probes the store too: the failed task may fail
            # for a reason of its own.
            self._start_batches(1)

    def collect(self, wait: float) -> bool:
        """Take in the calls that have ended.

        Args:
            wait: Seconds to wait for the first; 0 does not wait.

        Returns:
            Whether there were any.
        """
        ended = self._calls.take_completed(wait)
        for task, error in ended:
            self._finish(task, error)
        return bool(ended)

    def next_retry_in(self) -> float | None:
        """Tell when `start` has something to try again.

        Returns:
            Seconds; None when nothing waits for a moment.
        """
        waits = [
            wait
            for wait in (
                self._store_retries.next_try_in(),
                self._dead_letter_retries.next_try_in(),
            )
            if wait is not None
        ]
        return min(waits, default=None)

    def _retry(self, task: Task) -> bool:
        """Return False for a revoked task, else start it again."""
        if task.tracker.revoked:
            self._release(task)
            return False
        self._start_task(task)
        return True

    def _start_batches(self, most: int) -> None:
        """Start up to `most` batches, within the limit in flight."""
        messages: list[Batch] = []
        for _ in range(min(most, self._dependencies.limits.max_batches - self._queues.busy)):
            batch = self._queues.take()
            if batch is None:
                break
            if isinstance(batch.entries[0].event, NewMessage):
                messages.append(batch)
            else:
                self._start_task(MarkDeliveredTask(batch, self._dependencies.message_writer))
        if messages:
            online = ask_presence(messages, self._dependencies.online)
            for batch in messages:
                self._start_task(
                    StoreMessagesTask(
                        batch, online, self._dependencies.message_writer, self._dependencies.clock
                    )
                )

    def _start_task(self, task: Task) -> None:
        """Count the attempt and start the call."""
        task.attempts += 1
        self._calls.start(task)

    def _finish(self, task: Task, error: Exception | None) -> None:
        """Finish a task whose call ended, or queue it for a retry."""
        retries = self._retry_queue_of(task)
        dead_letters: Sequence[DeadLetter] = ()
        if error is None:
            error, dead_letters = _finish_task(task)
        if error is not None and not task.tracker.revoked:
            retries.add(task, error)
            return
        if error is None:
            retries.record_success(task)
        else:
            retries.abandon(task)
        self._release(task)
        if not task.tracker.revoked:
            for dead_letter in dead_letters:
                self.send_to_dead_letters(dead_letter, task.tracker)

    def _retry_queue_of(self, task: Task) -> RetryQueue:
        """Return the queue of the dependency that a task calls."""
        return self._dead_letter_retries if task.batch is None else self._store_retries

    def _release(self, task: Task) -> None:
        """Release the queue of a task; dead letters have none."""
        if task.batch is not None:
            self._queues.release(task.batch)


def _finish_task(task: Task) -> tuple[Exception | None, Sequence[DeadLetter]]:
    """Return the error or the dead letters of a task that ended."""
    try:
        return None, task.finish()
    except Exception as error:  # noqa: BLE001 - logged by RetryQueue and tried again: nothing is ever skipped
        return error, ()
