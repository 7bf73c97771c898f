"""Putting an export into a store, without a record in the log.

The file is read to check all of it and then to write it, and its users
once more, to compare them with what is stored then. Why that is safe,
and what makes positions and watermarks right: docs/adr/0027.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO
from uuid import UUID

from angarium.domain.conversation import Conversation
from angarium.domain.message import Message
from angarium.domain.user import User
from angarium.ports.bulk_load import BulkLoader, GroupStart, ImportMarker
from angarium.ports.log_inspection import DeadLetterInspector, LogInspector
from angarium.services.outage_retry import OutageRetry
from angarium.services.transfer.entries import Counts, Entry, plural
from angarium.services.transfer.export_file import ExportReader
from angarium.services.transfer.row_reader import CONVERSATIONS_AT_ONCE, RowReader
from angarium.services.transfer.survey import Survey, survey
from angarium.services.transfer.verification import ImportDiffers, verify

ROWS_AT_ONCE = 500
"""Rows of one call of the loader: enough for one commit to cost little,
and with the largest texts 5 MB.
"""

LINES_BETWEEN_MARKS = 5_000
"""After so many durable lines the marker moves: what a resumed import
writes again.
"""


class ImportRefused(Exception):
    """The target must not be imported into; the text says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an import goes.

    Attributes:
        name: What it is called in an error.
        partitions: The partition count of its log.
        log: Whether the log is empty, and the group without members.
        dead_letters: Whether there are any.
        rows: What is stored.
        loader: Writes.
        group: Says where the workers begin.
        configured: The names of users who may be there before.
    """

    name: str
    partitions: int
    log: LogInspector
    dead_letters: DeadLetterInspector
    rows: RowReader
    loader: BulkLoader
    group: GroupStart
    configured: Collection[str]


class Importer:
    """Imports one file; used once.

    Attributes:
        was_complete: Whether an earlier import of the file had ended.
    """

    def __init__(
        self, target: Target, retry: OutageRetry, progress: Callable[[str, Counts], None]
    ) -> None:
        """Touch nothing yet.

        Args:
            target: Where it goes.
            retry: Repeats calls through an outage.
            progress: Called at every line with what is being done, and
                how far it is.
        """
        self._target = target
        self._retry = retry
        self._progress = progress
        self.was_complete = False

    def run(self, file: BinaryIO) -> Survey:
        """Import a file, or go on with an import that was interrupted.

        Args:
            file: A regular file; it must not change meanwhile.

        Returns:
            What was imported, after everything was read back.

        Raises:
            InvalidExport: The file is not what an export has written.
                Nothing was changed, unless it changed while it was
                read.
            ImportRefused: The target has other data, or is in use.
            ImportDiffers: What is stored is not what the file has.
            Unavailable: The target was away for too long; repeat it.
        """
        found = self._survey(file)
        marker = self._claim(found)
        self.was_complete = marker.is_finished
        if self.was_complete and self._is_whole(file, found):
            self._retry(partial(self._target.loader.put_log_starts, found.starts))
        else:
            self._fill(file, found, self._reopen(found) if self.was_complete else marker)
        # Only now: a worker starts every partition that has a commit,
        # and asks the store's starts and marker for any other.
        self._retry(partial(self._target.group.commit, found.starts))
        return found

    def _fill(self, file: BinaryIO, found: Survey, marker: ImportMarker) -> None:
        """Write what the marker says is missing, compare, and end."""
        self._write(file, marker)
        self._retry(partial(self._target.loader.put_log_starts, found.starts))
        self._verify(file, found)
        end = ImportMarker(found.sha256, _lines(found), is_finished=True)
        self._retry(partial(self._target.loader.advance, end))

    def _survey(self, file: BinaryIO) -> Survey:
        """Check the whole file before anything is written."""
        return survey(file, self._target.partitions, partial(self._progress, "checked"))

    def _reopen(self, found: Survey) -> ImportMarker:
        """Begin again with a target that differs from its import.

        A service may have begun to use it while it was compared. Then
        it stays as it is: nothing serves it once it is reopened.

        Returns:
            The marker that is there now.
        """
        self._require_no_members()
        self._require_unused()
        self._require_no_other_conversations(found)
        self._retry(partial(self._target.loader.reopen, found.sha256))
        return ImportMarker(found.sha256)

    def _require_no_members(self) -> None:
        """Refuse a target whose workers run."""
        members = self._retry(self._target.log.members)
        if members:
            names = ", ".join(member.instance for member in members)
            raise ImportRefused(
                f"{self._target.name} is in use by {names}: stop the service, then import"
            )

    def _claim(self, found: Survey) -> ImportMarker:
        """Check the target, and mark it as imported into."""
        self._require_no_members()
        marker = self._retry(self._target.loader.marker)
        if marker is None:
            self._require_empty()
            marker = self._retry(partial(self._target.loader.claim, found.sha256))
        if marker.sha256 != found.sha256:
            raise ImportRefused(
                f"{self._target.name} holds an import of another file, with sha256 "
                f"{marker.sha256}: import that one again, or choose an empty target"
            )
        if marker.is_finished:
            self._require_unused()
        return marker

    def _is_whole(self, file: BinaryIO, found: Survey) -> bool:
        """Return whether everything that was imported is there."""
        try:
            self._compare(file, found)
        except ImportDiffers:
            return False
        return True

    def _verify(self, file: BinaryIO, found: Survey) -> None:
        """Compare what is stored; if it differs, begin all over."""
        try:
            self._compare(file, found)
        except ImportDiffers:
            self._retry(partial(self._target.loader.advance, ImportMarker(found.sha256)))
            raise

    def _compare(self, file: BinaryIO, found: Survey) -> None:
        """Compare what is stored with the file."""
        file.seek(0)
        verify(file, found, self._target.rows, partial(self._progress, "compared"))

    def _require_no_other_conversations(self, found: Survey) -> None:
        """Refuse a target where one was opened since its import.

        The store would then differ for ever from what the file says,
        and nothing could serve it while its marker is not finished.
        """
        ids = self._target.rows.conversation_ids()
        pages = ids.pages(CONVERSATIONS_AT_ONCE)
        others = sum(each not in found.conversations for page in pages for each in page)
        if others:
            self._refuse(f"{plural(others, 'conversation')} that the file does not have")

    def _require_empty(self) -> None:
        """Refuse a target with data of its own."""
        self._require_unused()
        conversations = len(self._target.rows.conversation_ids())
        if conversations:
            self._refuse(plural(conversations, "conversation"))
        others = [
            user.username
            for user in self._target.rows.users()
            if user.username not in self._target.configured
        ]
        if others:
            self._refuse(f"users that the settings do not name ({', '.join(others[:5])})")

    def _require_unused(self) -> None:
        """Refuse a target whose log was ever written to."""
        records = sum(each.end for each in self._retry(self._target.log.ranges))
        if records:
            self._refuse(f"{plural(records, 'record')} in its log")
        committed = self._retry(self._target.log.committed)
        if any(each.offset > 0 for each in committed.values()):
            self._refuse("committed offsets of its group")
        letters = self._retry(self._target.dead_letters.count)
        if letters:
            self._refuse(plural(letters, "dead letter"))

    def _refuse(self, what: str) -> None:
        """Refuse a target with data of its own."""
        raise ImportRefused(f"{self._target.name} has {what}: an import needs an empty target")

    def _write(self, file: BinaryIO, marker: ImportMarker) -> None:
        """Write all lines after those that are durable already."""
        file.seek(0)
        writer = _Writer(self._target.loader, self._retry, marker)
        reader = ExportReader(file)
        for entry in reader.entries():
            writer.add(reader.line, entry)
            self._progress("imported", reader.counts)
        writer.finish()


class _Writer:
    """Collects entries, and writes them in groups of one kind."""

    def __init__(self, loader: BulkLoader, retry: OutageRetry, marker: ImportMarker) -> None:
        """Go on after the lines of the marker."""
        self._loader = loader
        self._retry = retry
        self._marker = marker
        self._entries: list[Entry] = []
        self._conversation_id: UUID | None = None
        self._complete = 0

    def add(self, line: int, entry: Entry) -> None:
        """Take the next line.

        Args:
            line: Its number.
            entry: What it holds.
        """
        # Users are written each time: since the import was interrupted,
        # a start may have given configured users other passwords.
        if line <= self._marker.lines and not isinstance(entry, User):
            return
        if self._entries and (
            type(entry) is not type(self._entries[0]) or len(self._entries) == ROWS_AT_ONCE
        ):
            self._put()
        if not isinstance(entry, Message):
            self._complete = line
        elif entry.conversation_id != self._conversation_id:
            self._conversation_id = entry.conversation_id
            self._complete = line - 1
        self._entries.append(entry)

    def finish(self) -> None:
        """Write what was collected and not written yet."""
        self._put()
        self._retry(self._loader.flush)

    def _put(self) -> None:
        """Write the collected entries, and move the marker at times."""
        entries, self._entries = self._entries, []
        users = [each for each in entries if isinstance(each, User)]
        conversations = [each for each in entries if isinstance(each, Conversation)]
        messages = [each for each in entries if isinstance(each, Message)]
        if users:
            self._retry(partial(self._loader.put_users, users))
        if conversations:
            self._retry(partial(self._loader.put_conversations, conversations))
        if messages:
            self._retry(partial(self._loader.put_messages, messages))
        if self._complete - self._marker.lines >= LINES_BETWEEN_MARKS:
            self._retry(self._loader.flush)
            self._marker = replace(self._marker, lines=self._complete)
            self._retry(partial(self._loader.advance, self._marker))


def _lines(found: Survey) -> int:
    """Return how many lines a file has."""
    counts = found.counts
    return 2 + counts.users + counts.conversations + counts.messages
