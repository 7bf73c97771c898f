"""The lines of an export, as bytes and as objects.

An export is JSON Lines in ASCII: a first line, users, conversations,
messages, a last line. Each kind of line has exactly its keys, in their
order, and there is one way to write it: `decode` refuses any other.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring_ascii
from typing import cast
from uuid import UUID

from angarium.domain.conversation import Conversation
from angarium.domain.identifiers import parse_uuid, recurring_uuid, text_of
from angarium.domain.message import Message, MessagePosition, Status
from angarium.domain.timestamps import rfc3339
from angarium.domain.user import User
from angarium.services.cursors import MAX_TIMESTAMP
from angarium.services.transfer.entries import Counts, End, Entry, Header, InvalidLine

FORMAT = 1
"""The version of the format; raised when a line changes."""

MAX_LINE_BYTES = 64 * 1024
"""More than the longest line has: a text of 10,240 control characters,
six bytes each, with its fields.
"""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def is_end(line: bytes) -> bool:
    """Say whether a line looks like the last one.

    Args:
        line: Any.

    Returns:
        True when it begins like one.
    """
    return line.startswith(b'{"end":')


def encode_end(end: End) -> bytes:
    """Write the last line.

    Args:
        end: What it says.

    Returns:
        All of it.
    """
    fields = {
        "end": True,
        "users": end.counts.users,
        "conversations": end.counts.conversations,
        "messages": end.counts.messages,
        "sha256": end.sha256,
    }
    return _json(fields) + b"\n"


def decode_end(line: bytes) -> End:
    """Read the last line.

    Args:
        line: All of it.

    Returns:
        What it says; whether that is true, `Seal.end` knows.

    Raises:
        InvalidLine: It is not a last line.
    """
    fields = _fields(line)
    names = ("end", "users", "conversations", "messages", "sha256")
    if tuple(fields) != names:
        raise InvalidLine(f"its keys are not {', '.join(names)}")
    counts = Counts(
        _count(fields, "users"), _count(fields, "conversations"), _count(fields, "messages")
    )
    end = End(counts, _text(fields, "sha256"))
    if encode_end(end) != line:
        raise InvalidLine("it is not written as this program writes it")
    return end


def decode(body: bytes) -> Entry:
    """Read a line that was opened.

    Args:
        body: What `Seal.open` returned.

    Returns:
        What it holds.

    Raises:
        InvalidLine: It is no line of this version.
    """
    fields = _fields(body)
    keys = tuple(fields)
    for names, read in _READERS:
        if keys == names:
            entry = read(fields)
            if encode(entry) + b"}" != body:
                raise InvalidLine("it is not written as this program writes it")
            return entry
    raise InvalidLine(f"no line of an export has exactly the keys {_list_keys(keys)}")


def decode_version(line: bytes) -> int:
    """Read the format's version from a first line of any version.

    Args:
        line: The first line of a file.

    Returns:
        The number.

    Raises:
        InvalidLine: The file is no export.
    """
    found = re.match(rb'\{"angarium_export":([0-9]{1,9})[,}]', line)
    if found is None:
        raise InvalidLine('it does not begin with {"angarium_export":, so the file is no export')
    return int(found[1])


def encode(entry: Entry) -> bytes:
    """Write a line without its check and its closing brace.

    Args:
        entry: What it holds.

    Returns:
        The beginning of a JSON object.
    """
    if isinstance(entry, Message):
        return _encode_message(entry)
    if isinstance(entry, Conversation):
        fields = _conversation_fields(entry)
    elif isinstance(entry, User):
        fields = _user_fields(entry)
    else:
        fields = {
            "angarium_export": FORMAT,
            "exported_at": rfc3339(entry.exported_at),
            "program": entry.program,
        }
    return _json(fields)[:-1]


def _user_fields(user: User) -> Mapping[str, object]:
    """Return what a user's line has."""
    return {
        "user_id": text_of(user.user_id),
        "username": user.username,
        "password_hash": user.password_hash,
        "created_at": rfc3339(user.created_at),
    }


def _conversation_fields(conversation: Conversation) -> Mapping[str, object]:
    """Return what a conversation's line has."""
    return {
        "conversation_id": text_of(conversation.conversation_id),
        "type": "private",
        "participant_ids": [text_of(each) for each in conversation.participant_ids],
        "created_at": rfc3339(conversation.created_at),
    }


def _encode_message(message: Message) -> bytes:
    """Write a message's line without its check and closing brace."""
    # Nearly all lines are messages, and this takes a third of the time
    # that an encoder takes.
    delivered_at = message.delivered_at
    at = "null" if delivered_at is None else f'"{rfc3339(delivered_at)}"'
    return (
        f'{{"message_id":"{message.message_id}"'
        f',"conversation_id":"{text_of(message.conversation_id)}"'
        f',"sender_id":"{text_of(message.sender_id)}"'
        f',"recipient_id":"{text_of(message.recipient_id)}"'
        f',"content":{_escape(encode_basestring_ascii(message.content))}'
        f',"timestamp":"{rfc3339(message.position.timestamp)}"'
        f',"seq":{message.position.offset},"status":"{message.status.value}","delivered_at":{at}'
    ).encode("ascii")


def _read_header(fields: Mapping[str, object]) -> Header:
    """Read a first line, of this version."""
    if fields["angarium_export"] != FORMAT:
        raise InvalidLine(f"its angarium_export is not {FORMAT}")
    return Header(_moment(fields, "exported_at"), _text(fields, "program"))


def _read_user(fields: Mapping[str, object]) -> User:
    """Read a user's line."""
    return User(
        _uuid(fields, "user_id"),
        _text(fields, "username"),
        _text(fields, "password_hash"),
        _moment(fields, "created_at"),
    )


def _read_conversation(fields: Mapping[str, object]) -> Conversation:
    """Read a conversation's line."""
    if fields["type"] != "private":
        raise InvalidLine('its type is not "private"')
    ids = fields["participant_ids"]
    if not isinstance(ids, list) or len(ids) != 2:
        raise InvalidLine("its participant_ids are not two ids")
    first, second = (_as_uuid(each, "participant_ids", recurring_uuid) for each in ids)
    return Conversation(
        _uuid(fields, "conversation_id"), (first, second), _moment(fields, "created_at")
    )


def _read_message(fields: Mapping[str, object]) -> Message:
    """Read a message's line."""
    status = fields["status"]
    if status not in _STATUSES:
        raise InvalidLine(f"its status is not one of {', '.join(_STATUSES)}")
    return Message(
        _as_uuid(fields["message_id"], "message_id", parse_uuid),
        _uuid(fields, "conversation_id"),
        _uuid(fields, "sender_id"),
        _uuid(fields, "recipient_id"),
        _text(fields, "content"),
        MessagePosition(_moment(fields, "timestamp"), _count(fields, "seq")),
        _STATUSES[status],
        None if fields["delivered_at"] is None else _moment(fields, "delivered_at"),
    )


_STATUSES = {status.value: status for status in Status}

_READERS: Sequence[tuple[tuple[str, ...], Callable[[Mapping[str, object]], Entry]]] = (
    (
        (
            "message_id",
            "conversation_id",
            "sender_id",
            "recipient_id",
            "content",
            "timestamp",
            "seq",
            "status",
            "delivered_at",
        ),
        _read_message,
    ),
    (("conversation_id", "type", "participant_ids", "created_at"), _read_conversation),
    (("user_id", "username", "password_hash", "created_at"), _read_user),
    (("angarium_export", "exported_at", "program"), _read_header),
)
"""The keys of each kind of line; the most frequent kind is first."""


def _json(fields: Mapping[str, object]) -> bytes:
    """Write an object in ASCII, all control characters escaped."""
    return _escape(json.dumps(fields, separators=(",", ":"))).encode("ascii")


def _escape(text: str) -> str:
    """Escape DEL, the one control character that JSON does not."""
    return text.replace("\x7f", "\\u007f")


def _fields(body: bytes) -> Mapping[str, object]:
    """Read a JSON object."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidLine("it is not JSON") from error
    if not isinstance(document, dict):
        raise InvalidLine("it is not a JSON object")
    return cast("dict[str, object]", document)


def _text(fields: Mapping[str, object], name: str) -> str:
    """Return the text in a field."""
    value = fields[name]
    if not isinstance(value, str):
        raise InvalidLine(f"its {name} is not a text")
    return value


def _count(fields: Mapping[str, object], name: str) -> int:
    """Return the number in a field; `true` is an int, but no number."""
    value = fields[name]
    if type(value) is not int or not 0 <= value < 2**63 - 1:
        raise InvalidLine(f"its {name} is not a whole number from 0 to {2**63 - 2}")
    return value


def _uuid(fields: Mapping[str, object], name: str) -> UUID:
    """Return the id of a user or a conversation in a field."""
    return _as_uuid(fields[name], name, recurring_uuid)


def _as_uuid(value: object, name: str, read: Callable[[str], UUID | None]) -> UUID:
    """Return the id that a value is."""
    parsed = read(value) if isinstance(value, str) else None
    if parsed is None:
        raise InvalidLine(f"its {name} is not a UUID")
    return parsed


def _moment(fields: Mapping[str, object], name: str) -> int:
    """Return the moment in a field, in milliseconds."""
    try:
        moment = datetime.fromisoformat(_text(fields, name))
        ms = (moment - _EPOCH) // _MILLISECOND
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidLine(f"its {name} is not a moment in RFC 3339") from error
    if not 0 <= ms < MAX_TIMESTAMP:
        raise InvalidLine(f"its {name} is not between 1970 and the end of the year 9999")
    return ms


def _list_keys(keys: Sequence[str]) -> str:
    """List keys for an error; a hostile file may have long ones."""
    return ", ".join(key[:32] for key in keys[:12]) or "of none"
