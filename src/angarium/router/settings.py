"""How the worker spends its time."""

import random
from dataclasses import dataclass

from angarium.clock import Clock
from angarium.ports.message_log import DeadLetterLog
from angarium.ports.messages import MessageWriter
from angarium.router.presence_lookup import Online
from angarium.router.retry_queue import DependencyHealth, Uniform


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Bounds of the worker, in seconds and counts.

    Attributes:
        poll_timeout_s: The longest wait for the log, and so the longest
            wait of all.
        call_timeout_s: After so long without an answer a call to a port
            has failed.
        commit_interval_s: Positions are committed at most once in so
            long: a commit costs a durable write, and what is not
            committed is only applied once more.
        drain_timeout_s: The longest wait for what is in flight when
            stopping; it leaves two of the ten seconds (docs/cli.md,
            Stopping) for the commit and for leaving the group.
        max_unfinished_records: So many records may be unfinished before
            their flow is paused; it resumes at half.
        max_unfinished_bytes: So many bytes unfinished records may have before their
            flow is paused; it resumes at half. In memory they take
            about twice as much, and one poll more than this may come.
        max_batches: So many conversations are applied at once (64 to
            256 calls in flight suit the store's driver).
        max_batch_records: So many records of a conversation are applied
            in one call.
        max_retry_delay_s: The longest wait before another try of
            anything.
        failure_reset_s: After so long without a failure of its own the
            worker's next one is the first again.
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
    """The ports of one worker and what shapes its waits.

    Attributes:
        partitions: How many partitions the log has.
        recorder: Where messages are stored.
        dead_letters: Where records go that cannot be applied.
        online: Who is online.
        clock: Tells the time.
        limits: The worker's bounds.
        uniform: Draws the jitter of waits between two bounds.
    """

    partitions: int
    recorder: MessageWriter
    dead_letters: DeadLetterLog
    online: Online
    clock: Clock
    limits: WorkerLimits
    uniform: Uniform = random.uniform

    def health_of(self, name: str, description: str) -> DependencyHealth:
        """Watch one dependency.

        Args:
            name: Names it in actions.
            description: Names it for a person.

        Returns:
            Its state, so far in order.
        """
        return DependencyHealth(
            name, description, self.clock, self.uniform, self.limits.max_retry_delay_s
        )
