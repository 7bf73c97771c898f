"""Which part of a partition's log is there to be compared."""

from dataclasses import dataclass

from angarium.domain.message import MessagePosition


@dataclass(frozen=True, slots=True)
class LogRange:
    """What of a partition's log explains the store.

    Attributes:
        first: The first offset that is there. Rows with a smaller one
            are from before, and so are rows with a timestamp below
            `floor`.
        floor: The watermark before it, or the least that it can be;
            -1 when there was no record before it.
        is_exact: Whether `floor` is that watermark. Of records that a
            broker's retention has removed, only a limit is known.
        committed: The offset up to which the group had applied
            everything before the store was read.
        committed_watermark: The watermark before it, -1 where the
            commit has none.
    """

    first: int
    floor: int
    is_exact: bool
    committed: int
    committed_watermark: int = -1

    @property
    def is_whole(self) -> bool:
        """Whether the log has every record that there ever was."""
        return self.first == 0 and self.floor < 0

    def is_before(self, position: MessagePosition) -> bool:
        """Say whether a row is from before this part of the log.

        Args:
            position: Where the row is.

        Returns:
            True when no record of this part can explain it; never of a
            whole log, before which there was nothing.
        """
        if self.is_whole:
            return False
        return position.offset < self.first or position.timestamp < self.floor

    def is_settled(self, position: MessagePosition) -> bool:
        """Say whether a row was complete before the store was read.

        Args:
            position: Where the row is.

        Returns:
            True for what a committed record made, or one before it.
        """
        return position.offset < self.committed or position.timestamp < self.committed_watermark

    def time(self, watermark: int) -> int:
        """Return the time that a record gives to what it makes.

        Args:
            watermark: The running maximum of append times up to the
                record, as far as it was read.

        Returns:
            Milliseconds; if the floor is not exact, the least that it
            can be.
        """
        return max(self.floor, watermark)

    def allows(self, timestamp: int, watermark: int) -> bool:
        """Say whether a record may have given a time.

        Args:
            timestamp: The time that is stored.
            watermark: As for `time`.

        Returns:
            True for `time(watermark)`, and for later ones if the floor
            is not exact.
        """
        earliest = self.time(watermark)
        return timestamp == earliest or (not self.is_exact and timestamp > earliest)
