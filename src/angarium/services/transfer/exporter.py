"""Reading everything that matters out of a running service."""

from collections.abc import Callable, Iterator

from angarium.domain.conversation import Conversation
from angarium.domain.message import Message
from angarium.services.configured_passwords import NO_PASSWORD_YET
from angarium.services.transfer.duty_cycle import DutyCycle
from angarium.services.transfer.entries import Counts, Entry, Header, InvalidLine
from angarium.services.transfer.export_file import ExportWriter
from angarium.services.transfer.row_reader import CONVERSATIONS_AT_ONCE, RowReader

LINES_BETWEEN_RESTS = 16
"""Half a millisecond of work. With 256 lines, and reads of 250 rows,
one send in ten waited for that work: the p95 of sends was 1.9 times as
long as without an export (`bench/export_share.py`).
"""


class StoreDamaged(Exception):
    """The store has a row that no writer writes."""


class Exporter:
    """Reads users, conversations and messages; used once.

    Conversations are listed first, then users, then each conversation's
    messages from its beginning. So every participant of a conversation
    is among the users, and the messages of a conversation are all that
    were stored before its first page was read, and a prefix of what
    came later.

    Attributes:
        without_password: The names of users with a configured password
            that is not hashed yet: the file lacks it.
    """

    def __init__(
        self,
        rows: RowReader,
        header: Header,
        duty_cycle: DutyCycle,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Read nothing yet.

        Args:
            rows: Reads the store.
            header: The first line.
            duty_cycle: Leaves the machine to a service that runs there.
            check: Called before the last line, without which no file is
                whole; raises if what was read must not be kept.
        """
        self._rows = rows
        self._duty_cycle = duty_cycle
        self._header = header
        self._check = check
        self._writer = ExportWriter()
        self.without_password: list[str] = []

    @property
    def counts(self) -> Counts:
        """How many lines of each kind there are so far."""
        return self._writer.counts

    @property
    def sha256(self) -> str:
        """The digest of all lines so far, in hexadecimal."""
        return self._writer.sha256

    def lines(self) -> Iterator[bytes]:
        """Read everything.

        Yields:
            Each line, the last one only after everything was read.

        Raises:
            StoreDamaged: A row cannot be exported.
            StoreUnavailable: The store was away for too long.
            Exception: What `check` raises.
        """
        for number, entry in enumerate(self._entries(), start=1):
            try:
                line = self._writer.add(entry)
            except InvalidLine as error:
                raise StoreDamaged(
                    f"{_name(entry)} cannot be exported: {error}; {_advice(entry)}"
                ) from error
            yield line
            if number % LINES_BETWEEN_RESTS == 0:
                self._duty_cycle.rest()
        self._check()
        yield self._writer.end()

    def _entries(self) -> Iterator[Entry]:
        """Read what each line but the last holds."""
        yield self._header
        conversation_ids = self._rows.conversation_ids()
        for user in self._rows.users():
            if user.password_hash == NO_PASSWORD_YET:
                self.without_password.append(user.username)
            yield user
        for page in conversation_ids.pages(CONVERSATIONS_AT_ONCE):
            for key, conversation in zip(page, self._rows.conversations(page), strict=True):
                if conversation is None:
                    raise StoreDamaged(
                        f"conversation {key} has messages and no row of its own: open it again "
                        "(POST /v1/conversations by one of the two), then export"
                    )
                yield conversation
        for page in conversation_ids.pages(CONVERSATIONS_AT_ONCE):
            for key in page:
                yield from self._rows.messages(key)


def _advice(entry: Entry) -> str:
    """Say what to do about a row that no API has made."""
    if isinstance(entry, Message):
        ids = f"{entry.conversation_id} {entry.message_id}"
        return f"see where it came from with `angarium trace {ids}`, and correct or remove it"
    return "correct or remove it"


def _name(entry: Entry) -> str:
    """Name what a line would have held, in an error."""
    if isinstance(entry, Message):
        return f"message {entry.message_id} of conversation {entry.conversation_id}"
    if isinstance(entry, Conversation):
        return f"conversation {entry.conversation_id}"
    return "the header" if isinstance(entry, Header) else f"user {entry.username!r}"
