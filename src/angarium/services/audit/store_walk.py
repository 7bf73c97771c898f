"""Reading all rows of the store, a page at a time, at a set pace."""

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from uuid import UUID

from angarium.clock import Clock
from angarium.domain.message import Message
from angarium.ports.store_inspection import IndexRow, MessageKey, StoreInspector
from angarium.services.audit.external_sort import ExternalSorter
from angarium.services.audit.facts import pack_index, pack_row
from angarium.services.outage_retry import OutageRetry

IDS_PER_READ = 1_000
"""Conversations of one page, about 60 KB."""

ROWS_PER_READ = 1_000
"""Rows of one page, unless their texts make it end sooner."""


class Pace:
    """Limits how many rows a second are read; used by one thread."""

    def __init__(
        self,
        rate: int | None,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Start at full speed.

        Args:
            rate: Rows a second; None is unlimited.
            clock: Measures.
            sleep: Waits, in seconds.
        """
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._next_at = clock.monotonic()

    @property
    def max_rows(self) -> int:
        """How many rows one page may have: no more than a second's."""
        return ROWS_PER_READ if self._rate is None else min(ROWS_PER_READ, self._rate)

    def wait_for(self, rows: int) -> None:
        """Wait until the next page may be read.

        Args:
            rows: How many the last page had.
        """
        if self._rate is None:
            return
        now = self._clock.monotonic()
        self._next_at = max(self._next_at, now) + rows / self._rate
        if self._next_at > now:
            self._sleep(self._next_at - now)


class StoreWalk:
    """Walks the store once; used by one thread.

    Attributes:
        rows: How many rows were read.
        conversations: How many conversations were walked.
    """

    def __init__(
        self,
        store: StoreInspector,
        retry: OutageRetry,
        pace: Pace,
        progress: Callable[["StoreWalk"], None],
    ) -> None:
        """Start before the first row.

        Args:
            store: What is read.
            retry: Repeats reads through an outage.
            pace: How fast.
            progress: Called after each page.
        """
        self._store = store
        self._retry = retry
        self._pace = pace
        self._progress = progress
        self.rows = 0
        self.conversations = 0

    def read(self, conversation_id: UUID | None, into: ExternalSorter) -> None:
        """Read everything, or one conversation.

        Args:
            conversation_id: Which one; None reads all.
            into: Takes the facts.

        Raises:
            StoreUnavailable: An outage was too long.
        """
        if conversation_id is not None:
            self._read_conversation(conversation_id, into)
            return
        after: UUID | None = None
        while page := self._ids_after(after):
            for each in page:
                self._read_conversation(each, into)
            after = page[-1]

    def _read_conversation(self, conversation_id: UUID, into: ExternalSorter) -> None:
        """Read the rows of one conversation."""
        for message in self._messages(conversation_id):
            into.add(pack_row(message))
        for row in self._index(conversation_id):
            into.add(pack_index(conversation_id, row))
        self.conversations += 1

    def _ids_after(self, after: UUID | None) -> Sequence[UUID]:
        """Read the next conversations."""
        return self._retry(partial(self._store.conversation_ids, after, IDS_PER_READ))

    def _messages(self, conversation_id: UUID) -> Iterator[Message]:
        """Read a conversation's messages."""
        after: MessageKey | None = None
        limit = self._pace.max_rows
        while page := self._retry(partial(self._store.messages, conversation_id, after, limit)):
            yield from page
            self._note(len(page))
            after = MessageKey(page[-1].position, page[-1].message_id)

    def _index(self, conversation_id: UUID) -> Iterator[IndexRow]:
        """Read a conversation's rows of the index."""
        after: UUID | None = None
        limit = self._pace.max_rows
        while True:
            page = self._retry(partial(self._store.index, conversation_id, after, limit))
            yield from page
            self._note(len(page))
            if len(page) < limit:
                return
            after = page[-1].message_id

    def _note(self, rows: int) -> None:
        """Count what was read, and wait for the next page."""
        self.rows += rows
        self._progress(self)
        self._pace.wait_for(rows)
