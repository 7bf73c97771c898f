"""Cursors: a place in a list as opaque text, which any instance reads back after any restart.

The bytes are a version, the kind of list, the id of whose list it is, the way, the place and a checksum, in
base64url. The checksum finds damage, not forgery: a cursor grants nothing, the list's owner is checked apart.
"""

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from enum import IntEnum
from hashlib import blake2b
from uuid import UUID

from angarium.domain.conversation import ConversationPlace
from angarium.domain.errors import Code, Refused
from angarium.domain.message import BEGINNING, InboxPlace, Place

MAX_TIMESTAMP = 253_402_300_799_999
"""The last millisecond of the year 9999, which RFC 3339 can still write."""

_VERSION = 1
_CHECKSUM_BYTES = 8
_HEAD = struct.Struct(">BB16s")
_HISTORY = struct.Struct(">Bqq")
_CONVERSATIONS = struct.Struct(">q16s")
_INBOX = struct.Struct(">q16sq")


class Way(IntEnum):
    """Where a walk through a history goes."""

    OLDER = 0
    NEWER = 1


class _Kind(IntEnum):
    HISTORY = 1
    CONVERSATIONS = 2
    INBOX = 3


@dataclass(frozen=True, slots=True)
class HistoryCursor:
    """A place in a conversation and the way to go on from it.

    Attributes:
        way: Towards the past or the present.
        place: Of the last message that was shown; the walk goes on strictly behind it.
    """

    way: Way
    place: Place


def write_history(conversation_id: UUID, cursor: HistoryCursor) -> str:
    """Write down where a walk through a conversation stands.

    Args:
        conversation_id: The conversation that is walked.
        cursor: The way and the place.

    Returns:
        The cursor's text.
    """
    place = cursor.place
    return _write(_Kind.HISTORY, conversation_id, _HISTORY.pack(cursor.way, place.timestamp, place.offset))


def read_history(text: str, conversation_id: UUID) -> HistoryCursor:
    """Read a cursor of a conversation's history.

    Args:
        text: What the client sent.
        conversation_id: The conversation that it must belong to.

    Returns:
        The way and the place.

    Raises:
        Refused: `invalid_cursor`: damaged, of another list or conversation, or not written by this service.
    """
    body = _read(text, _Kind.HISTORY, conversation_id, _HISTORY)
    way, timestamp, offset = _HISTORY.unpack(body)
    place = Place(timestamp, offset)
    if way not in (Way.OLDER, Way.NEWER) or not (place == BEGINNING or _is_position(timestamp, offset)):
        raise _refusal()
    return HistoryCursor(Way(way), place)


def write_conversations(user_id: UUID, place: ConversationPlace) -> str:
    """Write down where a walk through a user's conversations stands.

    Args:
        user_id: Whose conversations are listed.
        place: Of the last conversation that was shown.

    Returns:
        The cursor's text.
    """
    return _write(
        _Kind.CONVERSATIONS, user_id, _CONVERSATIONS.pack(place.created_at, place.conversation_id.bytes)
    )


def read_conversations(text: str, user_id: UUID) -> ConversationPlace:
    """Read a cursor of a user's list of conversations.

    Args:
        text: What the client sent.
        user_id: The user whose list it must belong to.

    Returns:
        The place of the last conversation that was shown.

    Raises:
        Refused: `invalid_cursor`: damaged, of another list or user, or not written by this service.
    """
    body = _read(text, _Kind.CONVERSATIONS, user_id, _CONVERSATIONS)
    created_at, conversation_id = _CONVERSATIONS.unpack(body)
    if not _is_position(created_at, 0):
        raise _refusal()
    return ConversationPlace(created_at, UUID(bytes=conversation_id))


def write_inbox(user_id: UUID, place: InboxPlace) -> str:
    """Write down where a walk through a user's inbox stands.

    Args:
        user_id: Whose inbox it is.
        place: Of the last message that was shown.

    Returns:
        The cursor's text.
    """
    return _write(
        _Kind.INBOX, user_id, _INBOX.pack(place.timestamp, place.conversation_id.bytes, place.offset)
    )


def read_inbox(text: str, user_id: UUID) -> InboxPlace:
    """Read a cursor of a user's inbox.

    Args:
        text: What the client sent.
        user_id: The user whose inbox it must belong to.

    Returns:
        The place of the last message that was shown.

    Raises:
        Refused: `invalid_cursor`: damaged, of another list or user, or not written by this service.
    """
    body = _read(text, _Kind.INBOX, user_id, _INBOX)
    timestamp, conversation_id, offset = _INBOX.unpack(body)
    if not _is_position(timestamp, offset):
        raise _refusal()
    return InboxPlace(timestamp, UUID(bytes=conversation_id), offset)


def _write(kind: _Kind, owner_id: UUID, place: bytes) -> str:
    payload = _HEAD.pack(_VERSION, kind, owner_id.bytes) + place
    return urlsafe_b64encode(payload + _checksum(payload)).rstrip(b"=").decode()


def _read(text: str, kind: _Kind, owner_id: UUID, form: struct.Struct) -> bytes:
    size = _HEAD.size + form.size + _CHECKSUM_BYTES
    if len(text) != (size * 8 + 5) // 6:
        raise _refusal()
    try:
        data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise _refusal() from error
    payload, checksum = data[:-_CHECKSUM_BYTES], data[-_CHECKSUM_BYTES:]
    # The decoder passes over foreign characters and spare bits: only the text that we would write is ours.
    if _checksum(payload) != checksum or urlsafe_b64encode(data).rstrip(b"=").decode() != text:
        raise _refusal()
    if payload[: _HEAD.size] != _HEAD.pack(_VERSION, kind, owner_id.bytes):
        raise _refusal()
    return payload[_HEAD.size :]


def _is_position(timestamp: int, offset: int) -> bool:
    return 0 <= timestamp <= MAX_TIMESTAMP and offset >= 0


def _checksum(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_CHECKSUM_BYTES).digest()


def _refusal() -> Refused:
    return Refused.because(
        Code.INVALID_CURSOR,
        "The cursor is damaged or belongs to another list; send one as an earlier page of this list gave it, "
        "or none to start again.",
        field="cursor",
    )
