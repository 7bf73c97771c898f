"""Reads the journey of a message from the log and the store.

Nothing is disturbed: it joins no group and writes nothing.

The order of the reads keeps it from accusing a service that is sound
(docs/adr/0002, docs/adr/0003): first how far the group is, then the
rows, then where the log ends. So a record before the committed offset
must have its row, and whatever the rows came from is before the end.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar
from uuid import UUID

from angarium.deadline import within
from angarium.domain.errors import LogUnavailable, StoreUnavailable, Unavailable, WrongTopic
from angarium.ports.conversations import ConversationStore
from angarium.ports.log_inspection import BuriedRecord, DeadLetterInspector, LogInspector
from angarium.ports.message_log import Record
from angarium.ports.store_inspection import StoreInspector
from angarium.ports.users import UserStore
from angarium.services.trace.assembly import assemble
from angarium.services.trace.findings import (
    Findings,
    LogFindings,
    LogView,
    StoreView,
    Surroundings,
    begin_scan,
)
from angarium.services.trace.journey import Journey, RecordState, Subject
from angarium.services.trace.partition_scan import PartitionScan
from angarium.services.trace.refusals import Refusals, find_refusals

CALL_S = 10.0
"""Time limit of each call to the log or the store: someone waits at a
terminal, and every call reads little.
"""

RECORDS_AT_ONCE = 1_000
"""About as many as the bytes of one read have room for."""

Progress = Callable[[int, int], None]
"""Is called with the records that were read, and with all of them."""


Answer = TypeVar("Answer")


class UnknownMessage(Exception):
    """Neither log nor store has the message; the text says so."""


@dataclass(frozen=True, slots=True)
class LogSources:
    """What is read of the log.

    Attributes:
        log: Its records and its group.
        dead_letters: The records that were refused.
    """

    log: LogInspector
    dead_letters: DeadLetterInspector


@dataclass(frozen=True, slots=True)
class StoreSources:
    """What is read of the store.

    Attributes:
        rows: Messages and their index.
        users: Names.
        conversations: Whether readers find the conversation.
    """

    rows: StoreInspector
    users: UserStore
    conversations: ConversationStore


def trace(
    subject: Subject,
    log: LogSources,
    store: StoreSources,
    progress: Progress | None = None,
) -> Journey:
    """Find out everything about one message.

    It reads the message's partition from its record on, or all of it
    when the message is not stored. When one of log and store is
    unavailable, the journey has what the other one says.

    Args:
        subject: The message and its log.
        log: The log, which may be unavailable.
        store: The store, which may be unavailable.
        progress: Is called after each read of the partition, if given.

    Returns:
        The journey.

    Raises:
        UnknownMessage: There is no such message.
        Unavailable: Neither log nor store answers; or one of them does
            not, and the other one has no such message.
    """
    return _Search(subject, log, store, progress).run()


class _Search:
    """One search; what stops answering is replaced by its error."""

    def __init__(
        self,
        subject: Subject,
        log: LogSources,
        store: StoreSources,
        progress: Progress | None,
    ) -> None:
        """Begin with both; see `trace`."""
        self._subject = subject
        self._log: LogSources | LogUnavailable = log
        self._store: StoreSources | StoreUnavailable = store
        self._progress = progress

    def run(self) -> Journey:
        """Read, scan, and read again what was missing."""
        log, store = self._look()
        scan = None if log is None else self._scan(log, store)
        if scan is not None and _may_have_changed(scan, log, store):
            log, store = self._look()
            scan = scan if log is not None and self._read(scan, log) else None
        refusals = Refusals() if scan is None else self._refusals(scan)
        self._require_known(scan, store, refusals)
        seen = None if log is None or scan is None else LogFindings(log, scan, refusals)
        findings = Findings(self._subject, seen, store, self._unavailable())
        return assemble(findings, self._surroundings(findings))

    def _look(self) -> tuple[LogView | None, StoreView | None]:
        """Read group, rows and range, in this order."""
        group = self._ask_log(lambda sources: (sources.log.members(), sources.log.committed()))
        store = self._ask_store(self._rows)
        ranges = self._ask_log(lambda sources: sources.log.ranges())
        if group is None or ranges is None:
            return None, store
        partition = self._subject.partition
        members, committed = group
        owner = next((each.instance for each in members if partition in each.partitions), None)
        first, end = ranges[partition]
        return LogView(partition, first, end, committed.get(partition), owner), store

    def _rows(self, sources: StoreSources) -> StoreView:
        """Read the rows with the message's id."""
        index, rows = sources.rows.find(self._subject.conversation_id, self._subject.message_id)
        return StoreView(index, rows, sources.rows.log_starts().get(self._subject.partition))

    def _scan(self, log: LogView, store: StoreView | None) -> PartitionScan | None:
        """Scan the partition as far as the message can be in it."""
        scan = begin_scan(self._subject, log, store)
        return scan if self._read(scan, log) else None

    def _read(self, scan: PartitionScan, log: LogView) -> bool:
        """Read the partition on to where it ended.

        Returns:
            False when the log has stopped answering.
        """
        begin = scan.next_offset
        while scan.next_offset < log.end:
            records = self._records(log.partition, scan.next_offset, RECORDS_AT_ONCE)
            if records is None:
                return False
            for record in records:
                # What was appended later would have to be compared with
                # a later look.
                if record.offset < log.end:
                    scan.take(record)
            if not records or records[-1].offset >= log.end:
                break
            if self._progress is not None:
                self._progress(scan.next_offset - begin, log.end - begin)
        return True

    def _records(self, partition: int, offset: int, limit: int) -> Sequence[Record] | None:
        """Read some records; None when the log does not answer."""
        return self._ask_log(lambda sources: sources.log.read(partition, offset, limit))

    def _refusals(self, scan: PartitionScan) -> Refusals:
        """Read which records about the message were refused."""

        def read(partition: int, offset: int) -> Record | None:
            """Read one record; None when it is gone."""
            records = self._records(partition, offset, 1)
            return records[0] if records and records[0].offset == offset else None

        kept_since = self._ask_log(lambda sources: sources.dead_letters.kept_since())
        if kept_since is None:
            return Refusals()
        found = find_refusals(self._letters(), scan, self._subject, read, kept_since)
        is_complete = not isinstance(self._log, Unavailable)
        return found if is_complete else replace(found, kept_since=None)

    def _letters(self) -> Iterator[BuriedRecord]:
        """Walk over the dead letters, each step within its time."""
        letters = self._ask_log(lambda sources: sources.dead_letters.walk())
        while letters is not None:
            letter = self._ask_log(partial(_next, letters))
            if letter is None:
                return
            yield letter

    def _require_known(
        self, scan: PartitionScan | None, store: StoreView | None, refusals: Refusals
    ) -> None:
        """Raise unless something is known of the message."""
        in_log = scan is not None and (scan.origin is not None or len(scan.refused) > 0)
        in_store = store is not None and store.position is not None
        if in_log or in_store or refusals.found:
            return
        subject = self._subject
        what = f"message {subject.message_id} in conversation {subject.conversation_id}"
        problems = "; ".join(self._unavailable())
        if isinstance(self._log, Unavailable) and isinstance(self._store, Unavailable):
            raise LogUnavailable(problems)
        if isinstance(self._log, Unavailable):
            raise LogUnavailable(f"the store has no {what}, and the log may: {problems}")
        if isinstance(self._store, Unavailable):
            raise StoreUnavailable(f"the log has no {what}, and the store may: {problems}")
        raise UnknownMessage(f"there is no {what}: neither the log nor the store has it")

    def _surroundings(self, findings: Findings) -> Surroundings | None:
        """Read names and nodes; None when the store does not answer."""
        people = findings.people
        if people is None:
            return self._ask_store(lambda sources: self._nodes(sources, {}, True))
        return self._ask_store(
            lambda sources: self._nodes(
                sources,
                {each: user.username for each in people if (user := sources.users.get(each))},
                sources.conversations.get(self._subject.conversation_id, people[0]) is not None,
            )
        )

    def _nodes(
        self, sources: StoreSources, names: Mapping[UUID, str], has_conversation: bool
    ) -> Surroundings:
        """Add the nodes that keep the conversation."""
        replicas = sources.rows.replicas(self._subject.conversation_id)
        return Surroundings(names, replicas, has_conversation)

    def _unavailable(self) -> tuple[str, ...]:
        """Say what does not answer, a line each."""
        return tuple(
            str(each) for each in (self._log, self._store) if isinstance(each, Unavailable)
        )

    def _ask_log(self, call: Callable[[LogSources], Answer]) -> Answer | None:
        """Ask the log, unless it has stopped answering."""
        if isinstance(self._log, LogUnavailable):
            return None
        try:
            with within(CALL_S):
                return call(self._log)
        except WrongTopic:
            # No answer is wrong, the settings are.
            raise
        except LogUnavailable as error:
            self._log = error
            return None

    def _ask_store(self, call: Callable[[StoreSources], Answer]) -> Answer | None:
        """Ask the store, unless it has stopped answering."""
        if isinstance(self._store, StoreUnavailable):
            return None
        try:
            with within(CALL_S):
                return call(self._store)
        except StoreUnavailable as error:
            self._store = error
            return None


def _may_have_changed(scan: PartitionScan, log: LogView | None, store: StoreView | None) -> bool:
    """Return whether another look may explain what is missing.

    The message may have been stored meanwhile, or its record may have
    expired.
    """
    if log is None or store is None:
        return False
    expected = store.record_state(log) in {RecordState.PRESENT, RecordState.LOST}
    return store.row is None or (expected and scan.origin is None)


def _next(letters: Iterator[BuriedRecord], _: LogSources) -> BuriedRecord | None:
    """Return the next dead letter, None after the last one."""
    return next(letters, None)
