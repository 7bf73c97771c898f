"""Cursors: a position in a list, as opaque text.

Any instance reads it back, after any restart: a cursor encodes a
position and no state, so it never expires (docs/adr/0009).

The bytes are a version, the kind of list, the id of the list's owner,
the direction, the position and a checksum, in base64url. The checksum
finds damage, not forgery: a cursor grants nothing, because the list's
owner is checked separately.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from uuid import UUID

from angarium.domain.conversation import ConversationPosition
from angarium.domain.errors import Code, Refused
from angarium.domain.message import BEGINNING, InboxPosition, MessagePosition

MAX_TIMESTAMP = 253_402_300_799_999
"""The last millisecond of the year 9999, the last that RFC 3339 can
write.
"""

_VERSION = 1
"""Raised when the bytes change, so that old cursors are refused instead
of misread.
"""

_CHECKSUM_BYTES = 8
"""Enough for accidents: one damaged cursor in 2**64 would pass."""

_HEAD = struct.Struct(">BB16s")
_HISTORY = struct.Struct(">Bqq")
_CONVERSATIONS = struct.Struct(">q16s")
_INBOX = struct.Struct(">q16sq")


class Direction(IntEnum):
    """Which way a client pages through a history."""

    OLDER = 0
    NEWER = 1


class _Kind(IntEnum):
    """The kind of list; its number is the cursor's second byte."""

    HISTORY = 1
    CONVERSATIONS = 2
    INBOX = 3


@dataclass(frozen=True, slots=True)
class HistoryCursor:
    """A position in a conversation and a direction to go on in.

    Attributes:
        direction: Towards the past or the present.
        position: Of the last message that was shown; the next page
            begins strictly after it.
    """

    direction: Direction
    position: MessagePosition


def write_history(conversation_id: UUID, cursor: HistoryCursor) -> str:
    """Encode a position in a conversation's history.

    Args:
        conversation_id: The conversation that is read.
        cursor: The direction and the position.

    Returns:
        The cursor's text.
    """
    position = cursor.position
    return _write(
        _Kind.HISTORY,
        conversation_id,
        _HISTORY.pack(cursor.direction, position.timestamp, position.offset),
    )


def read_history(text: str, conversation_id: UUID) -> HistoryCursor:
    """Decode a cursor of a conversation's history.

    Args:
        text: What the client sent.
        conversation_id: The conversation that it must belong to.

    Returns:
        The direction and the position.

    Raises:
        Refused: `invalid_cursor`: damaged, of another list or
            conversation, or not written by this service.
    """
    body = _read(text, _Kind.HISTORY, conversation_id, _HISTORY)
    direction, timestamp, offset = _HISTORY.unpack(body)
    position = MessagePosition(timestamp, offset)
    if direction not in (Direction.OLDER, Direction.NEWER) or not (
        position == BEGINNING or _is_position(timestamp, offset)
    ):
        raise _refusal()
    return HistoryCursor(Direction(direction), position)


def write_conversations(user_id: UUID, position: ConversationPosition) -> str:
    """Encode a position in a user's list of conversations.

    Args:
        user_id: Whose conversations are listed.
        position: Of the last conversation that was shown.

    Returns:
        The cursor's text.
    """
    return _write(
        _Kind.CONVERSATIONS,
        user_id,
        _CONVERSATIONS.pack(position.created_at, position.conversation_id.bytes),
    )


def read_conversations(text: str, user_id: UUID) -> ConversationPosition:
    """Decode a cursor of a user's list of conversations.

    Args:
        text: What the client sent.
        user_id: The user whose list it must belong to.

    Returns:
        The position of the last conversation that was shown.

    Raises:
        Refused: `invalid_cursor`: damaged, of another list or user, or
            not written by this service.
    """
    body = _read(text, _Kind.CONVERSATIONS, user_id, _CONVERSATIONS)
    created_at, conversation_id = _CONVERSATIONS.unpack(body)
    if not _is_position(created_at, 0):
        raise _refusal()
    return ConversationPosition(created_at, UUID(bytes=conversation_id))


def write_inbox(user_id: UUID, position: InboxPosition) -> str:
    """Encode a position in a user's inbox.

    Args:
        user_id: Whose inbox it is.
        position: Of the last message that was shown.

    Returns:
        The cursor's text.
    """
    return _write(
        _Kind.INBOX,
        user_id,
        _INBOX.pack(position.timestamp, position.conversation_id.bytes, position.offset),
    )


def read_inbox(text: str, user_id: UUID) -> InboxPosition:
    """Decode a cursor of a user's inbox.

    Args:
        text: What the client sent.
        user_id: The user whose inbox it must belong to.

    Returns:
        The position of the last message that was shown.

    Raises:
        Refused: `invalid_cursor`: damaged, of another list or user, or
            not written by this service.
    """
    body = _read(text, _Kind.INBOX, user_id, _INBOX)
    timestamp, conversation_id, offset = _INBOX.unpack(body)
    if not _is_position(timestamp, offset):
        raise _refusal()
    return InboxPosition(timestamp, UUID(bytes=conversation_id), offset)


def _write(kind: _Kind, owner_id: UUID, position: bytes) -> str:
    """Add head and checksum, and encode it all in base64url."""
    payload = _HEAD.pack(_VERSION, kind, owner_id.bytes) + position
    return urlsafe_b64encode(payload + _checksum(payload)).rstrip(b"=").decode()


def _read(text: str, kind: _Kind, owner_id: UUID, form: struct.Struct) -> bytes:
    """Return the bytes of the position in a cursor of this list.

    Raises:
        Refused: `invalid_cursor`.
    """
    size = _HEAD.size + form.size + _CHECKSUM_BYTES
    if len(text) != (size * 8 + 5) // 6:
        raise _refusal()
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise _refusal() from error
    payload, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    # The decoder ignores foreign characters and spare bits: only the
    # text that we would write is accepted.
    if _checksum(payload) != checksum or urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise _refusal()
    if payload[: _HEAD.size] != _HEAD.pack(_VERSION, kind, owner_id.bytes):
        raise _refusal()
    return payload[_HEAD.size :]


def _is_position(timestamp: int, offset: int) -> bool:
    """Return whether a log could have given this position."""
    return 0 <= timestamp <= MAX_TIMESTAMP and offset >= 0


def _checksum(payload: bytes) -> bytes:
    """Hash the bytes; BLAKE2 makes digests of this size by itself."""
    return blake2b(payload, digest_size=_CHECKSUM_BYTES).digest()


def _refusal() -> Refused:
    """Refuse all bad cursors alike: they are opaque to clients."""
    return Refused.because(
        Code.INVALID_CURSOR,
        "The cursor is damaged or belongs to another list; send one as an earlier page of this "
        "list gave it, or none to start again.",
        field="cursor",
    )
