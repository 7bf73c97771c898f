"""What the client library raises, in the ports' terms."""

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
"""Everything that kafka-python 3.0 lets out: its own errors, the
sockets', and those of a client that was closed or has crashed inside
(RuntimeError, ValueError).
"""


class RecordRefused(KafkaError):  # type: ignore[misc]  # the library has no types
    """A broker has refused a record for its size, and has not appended
    it.
    """


_LIVED_THROUGH = (
    RecordRefused,
    InvalidProducerEpochError,
    OutOfOrderSequenceNumberError,
    UnknownProducerIdError,
)


def too_large(error: BaseException) -> RecordTooLarge:
    """Say that a record is not in the log, since the log takes none of
    its size.

    Args:
        error: What says so.

    Returns:
        An error to raise from the other one, or to put into a future.
    """
    translation = RecordTooLarge(str(error))
    translation.__cause__ = error
    return translation


def unavailable(doing: str, error: BaseException) -> LogUnavailable:
    """Say that Kafka did not do its part.

    Args:
        doing: What was tried.
        error: What came of it.

    Returns:
        An error to raise from the other one, or to put into a future.
    """
    translation = LogUnavailable(f"{doing}: {type(error).__name__}: {error}")
    translation.__cause__ = error
    return translation


@contextmanager
def translate(doing: str) -> Iterator[None]:
    """Translate whatever the client library raises inside the block.

    Args:
        doing: What is tried, for the message.

    Yields:
        Nothing.

    Raises:
        LogUnavailable: It did not work now.
    """
    try:
        yield
    except CLIENT_ERRORS as error:
        raise unavailable(doing, error) from error


def is_refused_for_good(error: BaseException) -> bool:
    """Tell whether a failed commit can never succeed, because the hold
    on the partitions is lost.

    A rebalance under way is no such refusal: the partitions may well
    stay here, and the commit succeeds after the next poll. The client
    tells it either by itself or as the reason of a CommitFailedError.

    Args:
        error: What `commit` raised.

    Returns:
        False when the commit may be tried again.
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
    """Tell whether an idempotent producer takes nothing more after a
    record failed with this.

    The library repeats what can be repeated. Any other failure makes it
    refuse every later record too, but for those after which it asks for
    new sequence numbers, and a record that is too large for its topic.

    Args:
        error: What a record failed with.

    Returns:
        True when another producer is needed.
    """
    return (
        isinstance(error, KafkaError)
        and not error.retriable
        and not isinstance(error, _LIVED_THROUGH)
    )
