"""Waiting until what was accepted is stored, before it is exported.

An export reads the store. A message that got its 202 may still be in
the log alone, and an export without it would be no backup.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from angarium.clock import Clock
from angarium.domain.events import NewMessage
from angarium.domain.message import Status
from angarium.ports.log_inspection import LogInspector
from angarium.ports.message_log import BEGINNING, Record
from angarium.ports.store_inspection import StoreInspector
from angarium.services.outage_retry import OutageRetry
from angarium.services.record_validation import InvalidRecord, validate_record
from angarium.services.transfer.entries import plural

STALLED_S = 15.0
"""Workers that advance by nothing for so long are not waited for: a
rebalance, or a store that was away, is over by then.
"""

POLL_S = 0.1
"""Pause between two looks at the committed offsets."""

RECORDS_AT_ONCE = 500
"""Records of one read."""

_Range = tuple[int, int]
"""The first offset that is not committed, and the end."""


class NotStored(Exception):
    """Accepted messages or receipts are not stored, and nobody does."""


class Backlog:
    """What the log has and the store may lack; used once."""

    def __init__(
        self,
        log: LogInspector,
        store: StoreInspector,
        retry: OutageRetry,
        clock: Clock,
        sleep: Callable[[float], None],
    ) -> None:
        """Read nothing yet.

        Args:
            log: What was accepted, and how far the workers are.
            store: What is stored.
            retry: Repeats calls through an outage.
            clock: Measures how long the workers do not advance.
            sleep: Waits, in seconds.
        """
        self._log = log
        self._store = store
        self._retry = retry
        self._clock = clock
        self._sleep = sleep

    def await_stored(self, progress: Callable[[int], None]) -> None:
        """Wait until everything that is in the log now is stored.

        Args:
            progress: Called with the number of records that are left.

        Raises:
            NotStored: Something is not, and no worker advances.
            Unavailable: The log or the store was away for too long.
        """
        ends = [each.end for each in self._retry(self._log.ranges)]
        stalled_at = self._clock.monotonic() + STALLED_S
        left = records = self._left(ends)
        while left:
            if _count(left) < _count(records):
                stalled_at = self._clock.monotonic() + STALLED_S
            records = left
            progress(_count(left))
            if self._clock.monotonic() >= stalled_at or not self._retry(self._log.members):
                break
            self._sleep(POLL_S)
            left = self._left(ends)
        self._require_stored(left, len(ends))

    def _left(self, ends: list[int]) -> Mapping[int, _Range]:
        """Return what the workers have not committed of the log."""
        committed = self._retry(self._log.committed)
        # A worker may have passed the ends of the beginning.
        ranges = self._retry(self._log.ranges)
        offsets = [
            held.next_offset(committed.get(partition, BEGINNING))
            for partition, held in enumerate(ranges)
        ]
        return {
            partition: (offset, end)
            for partition, (offset, end) in enumerate(zip(offsets, ends, strict=True))
            if offset < end
        }

    def _require_stored(self, left: Mapping[int, _Range], partitions: int) -> None:
        """Look into the store for records without a commit.

        A worker that was killed may have stored them.
        """
        missing = sum(
            not self._is_stored(record, partitions)
            for partition, extent in left.items()
            for record in self._records(partition, *extent)
        )
        if missing:
            raise NotStored(
                f"not stored yet: {plural(missing, 'accepted record')} of the log, and no worker "
                "advances; start the service until `angarium status` shows no lag, then export, "
                "or export without them: `angarium export --stored-only`"
            )

    def _records(self, partition: int, offset: int, end: int) -> Iterator[Record]:
        """Read some records of a partition."""
        while offset < end:
            page = self._retry(partial(self._log.read, partition, offset, RECORDS_AT_ONCE))
            if not page:
                return
            yield from (record for record in page if record.offset < end)
            offset = page[-1].offset + 1

    def _is_stored(self, record: Record, partitions: int) -> bool:
        """Return whether the store has what a record asks for."""
        event = validate_record(record, partitions)
        if isinstance(event, InvalidRecord):
            # It becomes a dead letter, which is not exported.
            return True
        if isinstance(event, NewMessage):
            index, messages = self._retry(
                partial(self._store.find, event.conversation_id, event.message_id)
            )
            # An index row alone is half of a write that did not end.
            return index is not None and bool(messages)
        for message_id in event.message_ids:
            _, messages = self._retry(partial(self._store.find, event.conversation_id, message_id))
            if any(
                message.status is not Status.DELIVERED
                and message.recipient_id == event.recipient_id
                for message in messages
            ):
                return False
        return True


def _count(left: Mapping[int, _Range]) -> int:
    """Return how many records are left."""
    return sum(end - offset for offset, end in left.values())
