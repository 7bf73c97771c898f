"""How the worker spends its time."""

from dataclasses import dataclass


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
        bytes: So many bytes unfinished records may have before their
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
    bytes: int = 8 * 1024 * 1024
    max_batches: int = 256
    max_batch_records: int = 64
    max_retry_delay_s: float = 3.0
    failure_reset_s: float = 60.0
