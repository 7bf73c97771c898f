"""The limits of the worker, and the ports that it uses."""

import random
from dataclasses import dataclass

from angarium.clock import Clock
from angarium.ports.message_log import DeadLetterLog
from angarium.ports.messages import MessageWriter
from angarium.router.presence_lookup import PresenceLookup
from angarium.router.retry_queue import DependencyHealth, Uniform


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Limits of the worker, with their units (docs/adr/0007).

    Attributes:
        poll_timeout_s: Maximum wait for the log, and so of a turn.
        call_timeout_s: A call to a port without an answer fails after
            this time.
        commit_interval_s: Minimum time between two commits: a commit
            costs a durable write, and what is not committed is only
            applied once more after a crash.
        drain_timeout_s: Maximum wait for calls in flight at shutdown;
            it leaves 2 of the 10 seconds (docs/cli.md, Stopping) for
            the commit and for leaving the group.
        max_unfinished_records: With this many unfinished records the
            consumer pauses; it resumes at half.
        max_unfinished_bytes: With this many bytes of unfinished records
            the consumer pauses; it resumes at half. In memory they take
            about twice as much, and one more poll may be added.
        max_batches: Maximum number of conversations that are applied
            concurrently (64 to 256 calls in flight suit the store's
            driver).
        max_batch_records: Maximum records of a conversation in one
            call.
        max_retry_delay_s: Maximum delay before another attempt.
        failure_reset_s: After this time without a failure the worker's
            retry delays start from the shortest again.
    """

    poll_timeout_s: float = 0.2
    call_timeout_s: float = 10.0
    commit_interval_s: float = 0.1
    drain_timeout_s: float = 8.0
    max_unfinished_records: int = 4096
    max_unfinished_bytes: int = 8 * 1024 * 1024
    max_batches: int = 256
    max_batch_records: int = 64
    max_retry_delay_s: float = 3.0
    failure_reset_s: float = 60.0


@dataclass(frozen=True, slots=True)
class WorkerDependencies:
    """The ports of one worker, with its clock, limits and jitter.

    Attributes:
        partitions: The partition count of the log.
        message_writer: Stores messages and receipts.
        dead_letters: Takes the records that cannot be applied.
        online: Knows who is online.
        clock: Of all delays and timeouts.
        limits: The worker's limits.
        uniform: Draws the jitter of delays between two limits.
    """

    partitions: int
    message_writer: MessageWriter
    dead_letters: DeadLetterLog
    online: PresenceLookup
    clock: Clock
    limits: WorkerLimits
    uniform: Uniform = random.uniform

    def health_of(self, name: str, description: str) -> DependencyHealth:
        """Track the health of one dependency.

        Args:
            name: Begins the log actions.
            description: Names it in log texts.

        Returns:
            Its health, available so far.
        """
        return DependencyHealth(
            name, description, self.clock, self.uniform, self.limits.max_retry_delay_s
        )
