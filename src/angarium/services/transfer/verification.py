"""The last reading of a file: is the store what the file says?"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import BinaryIO
from uuid import UUID

from angarium.domain.conversation import Conversation
from angarium.domain.message import Message, MessagePosition
from angarium.domain.user import User
from angarium.services.transfer.entries import Counts, Entry, Header, InvalidLine
from angarium.services.transfer.export_file import ExportReader, ExportWriter
from angarium.services.transfer.row_reader import CONVERSATIONS_AT_ONCE, RowReader
from angarium.services.transfer.sorted_ids import SortedIds
from angarium.services.transfer.survey import Survey


class ImportDiffers(Exception):
    """What is stored after an import is not what the file has."""


def verify(
    file: BinaryIO, found: Survey, rows: RowReader, progress: Callable[[Counts], None]
) -> None:
    """Make an export of the target, and compare its digest.

    The target's other users, whom only the settings name, do not
    matter.

    Args:
        file: At its beginning; only its users are read.
        found: What the file has.
        rows: Reads the target.
        progress: Called at every line with what was read back.

    Raises:
        ImportDiffers: The target has something else.
        InvalidExport: The file changed meanwhile.
    """
    if rows.conversation_ids() != found.conversations:
        raise ImportDiffers("the target has other conversations than the file")
    writer = ExportWriter()
    try:
        for entry in _entries(file, found.conversations, rows):
            writer.add(entry)
            progress(writer.counts)
    except InvalidLine as error:
        raise ImportDiffers(f"the target has a row that no export has: {error}") from error
    if writer.counts != found.counts:
        raise ImportDiffers(
            f"the file has {found.counts.messages:,} messages, the target "
            f"{writer.counts.messages:,}"
        )
    if writer.sha256 != found.sha256:
        raise ImportDiffers(
            f"the file has sha256 {found.sha256}, an export of the target {writer.sha256}"
        )


def _entries(file: BinaryIO, conversations: SortedIds, rows: RowReader) -> Iterator[Entry]:
    """Read from the target what the lines of its export would have."""
    stored = {user.user_id: user for user in rows.users()}
    for entry in ExportReader(file).entries():
        if isinstance(entry, Header):
            yield entry
        elif isinstance(entry, User):
            yield _require(stored, entry)
        else:
            break
    stored.clear()
    for page in conversations.pages(CONVERSATIONS_AT_ONCE):
        yield from _conversations(page, rows)
    for page in conversations.pages(CONVERSATIONS_AT_ONCE):
        for conversation_id in page:
            yield from _messages(conversation_id, rows)


def _require(stored: Mapping[UUID, User], user: User) -> User:
    """Return a user of the file as the target has them."""
    if user.user_id not in stored:
        raise ImportDiffers(f"the target has no user {user.username!r}")
    return stored[user.user_id]


def _conversations(page: Sequence[UUID], rows: RowReader) -> Iterator[Conversation]:
    """Read some conversations of the target."""
    for conversation_id, conversation in zip(page, rows.conversations(page), strict=True):
        if conversation is None:
            raise ImportDiffers(f"the target has no row of conversation {conversation_id}")
        yield conversation


def _messages(conversation_id: UUID, rows: RowReader) -> Iterator[Message]:
    """Read a conversation, and compare its index with it."""
    # Sums of hashes are compared, for the index has another order.
    expected = indexed = 0
    for message in rows.messages(conversation_id):
        expected += _index_hash(message.message_id, message.position, message.sender_id)
        yield message
    for row in rows.index(conversation_id):
        indexed += _index_hash(row.message_id, row.position, row.sender_id)
    if expected != indexed:
        raise ImportDiffers(
            f"the message index of conversation {conversation_id} does not fit its messages"
        )


def _index_hash(message_id: UUID, position: MessagePosition, sender_id: UUID) -> int:
    """Hash what an index row has."""
    return hash((message_id, position.timestamp, position.offset, sender_id))
