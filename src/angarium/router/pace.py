"""How the worker spends its time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Bounds of the worker, in seconds and counts.

    Attributes:
        poll: The longest wait for the log, and so the longest wait of all.
        call: After so long without an answer a call to a port has failed.
        commit: Positions are committed at most once in so long: a commit costs a durable write, and what
            is not committed is only applied once more.
        drain: The longest wait for what is in flight when stopping; it leaves two of the ten seconds
            (docs/cli.md, Stopping) for the commit and for leaving the group.
        records: So many records may be unfinished before their flow is paused; it resumes at half.
        bytes: So many bytes unfinished records may have before their flow is paused; it resumes at half.
            In memory they take about twice as much, and one poll more than this may come.
        lanes: So many conversations are applied at once (64 to 256 calls in flight suit the store's driver).
        group: So many records of a conversation are applied in one call.
        retry: The longest wait before another try of anything.
        settled: After so long without a failure of its own the worker's next one is the first again.
    """

    poll: float = 0.2
    call: float = 10.0
    commit: float = 0.1
    drain: float = 8.0
    records: int = 4096
    bytes: int = 8 * 1024 * 1024
    lanes: int = 256
    group: int = 64
    retry: float = 3.0
    settled: float = 60.0
