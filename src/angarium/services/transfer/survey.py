"""The first reading of a file: nothing is written before it ends."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from angarium.domain.identifiers import text_of
from angarium.domain.message import Message
from angarium.domain.partitioning import partition_for
from angarium.ports.message_log import Position
from angarium.services.transfer.entries import Counts, End
from angarium.services.transfer.export_file import ExportReader
from angarium.services.transfer.sorted_ids import SortedIds


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file that may be imported has.

    Attributes:
        counts: How many lines of each kind.
        sha256: Its digest.
        conversations: Their ids.
        starts: By partition, where the log begins to explain the store:
            its first record, with a watermark after every moment of the
            partition's messages and receipts. So whatever is appended
            gets a later position, whatever the clock says.
    """

    counts: Counts
    sha256: str
    conversations: SortedIds
    starts: dict[int, Position]


def survey(file: BinaryIO, partitions: int, progress: Callable[[Counts], None]) -> Survey:
    """Read a file to its end.

    Args:
        file: At its beginning.
        partitions: The partition count of the target.
        progress: Called at every line with what was read.

    Returns:
        What it has.

    Raises:
        InvalidExport: It is not what an export has written; the text
            names the line.
    """
    reader = ExportReader(file)
    latest: dict[int, int] = {}
    for entry in reader.entries():
        if isinstance(entry, Message):
            key = text_of(entry.conversation_id).encode()
            partition = partition_for(key, partitions)
            moment = max(entry.position.timestamp, entry.delivered_at or 0)
            latest[partition] = max(latest.get(partition, 0), moment)
        progress(reader.counts)
    return Survey(
        reader.counts,
        _digest(reader.end),
        reader.conversations,
        {partition: Position(0, moment + 1) for partition, moment in sorted(latest.items())},
    )


def _digest(end: End | None) -> str:
    """Return the digest of a file that was read to its end."""
    if end is None:
        raise AssertionError("the entries of a file end with its last line")
    return end.sha256
