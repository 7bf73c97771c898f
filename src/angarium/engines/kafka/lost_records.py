"""Which partitions have lost the records that are to be read next."""

from collections.abc import Callable, Mapping

from kafka.errors import LogTruncationError, OffsetOutOfRangeError
from kafka.structs import TopicPartition

LOST = (OffsetOutOfRangeError, LogTruncationError)
"""Raised by a poll that has no records to give, since
`auto_offset_reset` is none (docs/adr/0013): the offset is below the
first one or after the last one, or the log was cut off before it."""


def lost_positions(
    error: OffsetOutOfRangeError | LogTruncationError,
    position: Callable[[TopicPartition], int | None],
) -> Mapping[TopicPartition, int]:
    """Return the positions that a poll's error reports as lost.

    Args:
        error: The error that the poll raised.
        position: Returns the next offset of a partition; None for one
            that was revoked.

    Returns:
        The offsets that were to be read next, by partition.
    """
    if isinstance(error, LogTruncationError):
        found = {
            topic_partition: position(topic_partition)
            for topic_partition in error.divergent_offsets
        }
        return {
            topic_partition: offset
            for topic_partition, offset in found.items()
            if offset is not None
        }
    offsets: Mapping[TopicPartition, int] = error.args[0]
    return offsets
