"""The watermark before a log whose first records a broker has removed.

Kafka does not say how late the append times of removed records were,
and a clock may have stepped back since. Rows whose time is later than
their log's running maximum can still be right: they have the watermark
before the range, all of them the same.
"""

import struct
from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from angarium.services.audit.external_sort import ExternalSorter
from angarium.services.audit.findings import Finding, FindingKind

MAX_TIMES = 1_000
"""Different times that are considered for one partition; there is one,
unless many rows are damaged. A row with yet another time is misplaced.
"""

_LAYOUT = struct.Struct(">Iqq16s16s")


class WatermarkInference:
    """Collects the times of rows; used by one thread."""

    def __init__(self) -> None:
        """Start without any."""
        self._claims = ExternalSorter(_LAYOUT.size)
        self._counts: dict[int, Counter[int]] = {}
        self._limits: dict[int, int] = {}

    def confirm(self, partition: int, timestamp: int) -> None:
        """Note a row with the time of its log's running maximum.

        Args:
            partition: Its partition.
            timestamp: The row's time; the watermark was not later.
        """
        known = self._limits.get(partition)
        if known is None or timestamp < known:
            self._limits[partition] = timestamp

    def claim(self, finding: Finding, timestamp: int) -> None:
        """Note a row with a later time than its log's running maximum.

        Args:
            finding: What is wrong, if that is not the watermark.
            timestamp: The row's time.
        """
        counts = self._counts.setdefault(finding.partition, Counter())
        if timestamp in counts or len(counts) < MAX_TIMES:
            counts[timestamp] += 1
        conversation, message = (
            each.bytes
            for each in (finding.conversation_id, finding.message_id)
            if each is not None
        )
        self._claims.add(
            _LAYOUT.pack(finding.partition, timestamp, finding.offset, conversation, message)
        )

    def find_misplaced(self) -> Iterator[Finding]:
        """Name the rows whose time the watermark does not explain.

        Yields:
            All rows that were claimed, but for those with the time that
            most rows of their partition have, and that no other row
            contradicts.
        """
        explained = {
            partition: self._infer(partition, counts) for partition, counts in self._counts.items()
        }
        for packed in self._claims.read_sorted():
            partition, timestamp, offset, conversation, message = _LAYOUT.unpack(packed)
            if timestamp != explained[partition]:
                ids = (UUID(bytes=conversation), UUID(bytes=message))
                yield Finding(FindingKind.MISPLACED, *ids, partition, offset)

    def close(self) -> None:
        """Forget everything; safe to repeat."""
        self._claims.close()

    def _infer(self, partition: int, counts: Counter[int]) -> int | None:
        """Return the time that was the watermark, if there is one."""
        limit = self._limits.get(partition)
        possible = {
            timestamp: count
            for timestamp, count in counts.items()
            if limit is None or timestamp <= limit
        }
        # Of two as frequent ones the earlier: rows are moved to later
        # times as easily as to earlier ones, but it rules out less.
        return min(possible, key=lambda each: (-possible[each], each), default=None)
