"""Sending to a log that may be away."""

import time
from collections.abc import Callable

from angarium.domain.errors import LogUnavailable
from angarium.domain.partitioning import partition_for
from angarium.ports.message_log import Appended, MessageLog, NewRecord
from tests.contract.ports.records import new_key

ANSWER_S = 6.0
"""A send is answered within 1.8 s, whatever happens; the rest is for a
busy machine.
"""

RECOVERY_S = 5.0
"""Within so long sends are taken again, once Kafka answers."""


def try_to_append(
    log: MessageLog, value: str, key: bytes | None = None
) -> Appended | LogUnavailable:
    """Append, and give what the caller hears within the bound; anything
    later fails the test.
    """
    try:
        future = log.append(NewRecord(key or new_key(), value.encode(), {}))
    except LogUnavailable as refusal:
        return refusal
    failure = future.exception(ANSWER_S)
    if failure is None:
        return future.result()
    assert isinstance(failure, LogUnavailable)
    return failure


def keep_trying(
    log: MessageLog, seconds: float, value: str = "v"
) -> list[Appended | LogUnavailable]:
    """Append one after the other for some time."""
    until = time.monotonic() + seconds
    answers = []
    while time.monotonic() < until:
        answers.append(try_to_append(log, value))
    return answers


def until_taken(log: MessageLog, value: str = "back", seconds: float = RECOVERY_S) -> Appended:
    """Append until it works, which must be so within the promised
    time.
    """
    give_up_at = time.monotonic() + seconds
    while True:
        answer = try_to_append(log, value)
        if isinstance(answer, Appended):
            return answer
        assert time.monotonic() < give_up_at, f"not taken within {seconds:g} s: {answer}"


def cpu_seconds(work: Callable[[], object]) -> float:
    """Tell what some work costs this process."""
    before = time.process_time()
    work()
    return time.process_time() - before


def key_of(partition: int, partitions: int) -> bytes:
    """Give a new key of a partition."""
    return next(key for key in iter(new_key, None) if partition_for(key, partitions) == partition)
