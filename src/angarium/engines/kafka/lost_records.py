"""What the library says of a log that has lost what is to be read
next.
"""

from collections.abc import Callable, Mapping

from kafka.errors import LogTruncationError, OffsetOutOfRangeError
from kafka.structs import TopicPartition

LOST = (OffsetOutOfRangeError, LogTruncationError)
"""Raised by a poll that has no records to give, since
`auto_offset_reset` is none (docs/adr/0013): the offset is below the
first one or behind the last one, or the log was cut off before it."""


def lost_positions(
    error: OffsetOutOfRangeError | LogTruncationError,
    position: Callable[[TopicPartition], int | None],
) -> Mapping[TopicPartition, int]:
    """Say which partitions have lost what is to be read next.

    Args:
        error: What the poll raised.
        position: Tells the offset that is read next of a partition,
            None for one that is not ours any more.

    Returns:
        The offsets that were to be read, by partition.
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
