"""Translation of the client library's errors into the ports' errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from kafka.errors import (
    AuthorizationError,
    CommitFailedError,
    InvalidProducerEpochError,
    KafkaConnectionError,
    KafkaError,
    OutOfOrderSequenceNumberError,
    RebalanceInProgressError,
    RetriableError,
    SaslAuthenticationFailedError,
    UnknownProducerIdError,
)

from angarium.domain.errors import LogUnavailable, RecordTooLarge

CLIENT_ERRORS = (KafkaError, OSError, RuntimeError, ValueError)
"""Everything that kafka-python 3.0 raises: its own errors, those of
sockets, and those of a client that was closed or has crashed inside
(RuntimeError, ValueError).
"""


class RecordRefused(KafkaError):  # type: ignore[misc]  # the library has no types
    """A broker refused a record for its size: it is not in the log."""


_HARMLESS_TO_PRODUCER = (
    RecordRefused,
    InvalidProducerEpochError,
    OutOfOrderSequenceNumberError,
    UnknownProducerIdError,
)


def too_large(error: BaseException) -> RecordTooLarge:
    """Return the error for a record that exceeds the topic's limit.

    Args:
        error: The library's error, kept as the cause.

    Returns:
        An error to raise or to put into a future.
    """
    translation = RecordTooLarge(str(error))
    translation.__cause__ = error
    return translation


def unavailable(doing: str, error: BaseException) -> LogUnavailable:
    """Return the error for a call that Kafka has not completed.

    Args:
        doing: What has failed, as the text begins.
        error: The library's error, kept as the cause.

    Returns:
        An error to raise or to put into a future.
    """
    translation = LogUnavailable(f"{doing}: {type(error).__name__}: {error}")
    translation.__cause__ = error
    return translation


@contextmanager
def translate(doing: str) -> Iterator[None]:
    """Translate the errors of the client library inside a block.

    Args:
        doing: What has failed, as the text begins.

    Yields:
        Nothing.

    Raises:
        LogUnavailable: The library raised an error.
    """
    try:
        yield
    except CLIENT_ERRORS as error:
        raise unavailable(doing, error) from error


def is_refused_for_good(error: BaseException) -> bool:
    """Return whether a failed commit can never succeed.

    That is so when the partitions are lost. A rebalance in progress is
    no such refusal: the partitions may stay, and the commit succeeds
    after the next poll. The library reports it directly or as the
    reason of a CommitFailedError (docs/adr/0017).

    Args:
        error: The exception that `commit` raised.

    Returns:
        False when the commit may be repeated.
    """
    if isinstance(error, CommitFailedError):
        return not any(isinstance(reason, RebalanceInProgressError) for reason in error.args)
    passing = (
        RebalanceInProgressError,
        RetriableError,
        KafkaConnectionError,
        AuthorizationError,
        SaslAuthenticationFailedError,
    )
    return isinstance(error, KafkaError) and not isinstance(error, passing)


def ends_the_producer(error: BaseException) -> bool:
    """Return whether an idempotent producer is unusable after an error.

    The library repeats what can be repeated. Any other failure makes it
    refuse every later record too, except for errors after which it asks
    for new sequence numbers, and a record that is too large for its
    topic (docs/adr/0013).

    Args:
        error: Why a record failed.

    Returns:
        True when a new producer is needed.
    """
    return (
        isinstance(error, KafkaError)
        and not error.retriable
        and not isinstance(error, _HARMLESS_TO_PRODUCER)
    )
