"""The API's bodies, as far as the commands read them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, cast


class InvalidBody(Exception):
    """A body that is none of the API's; the text names the part."""


Fields = Mapping[str, object]

MAX_TOKEN_S = 100 * 365 * 86_400
"""Maximum lifetime of a token, so that its end is a valid date."""


@dataclass(frozen=True, slots=True)
class MessageBody:
    """A message as the API shows it.

    Attributes:
        message_id: Its id.
        sender_id: Who wrote it.
        content: The text, not escaped yet.
        sent_at: The conversation's time for it.
        status: `PENDING`, `SENT` or `DELIVERED`.
        fields: All of it.
        delivered_at: When the recipient confirmed it, None before.
    """

    message_id: str
    conversation_id: str
    sender_id: str
    content: str
    sent_at: datetime
    status: str
    fields: Fields
    delivered_at: datetime | None = None


class LogPosition(NamedTuple):
    """Where a record lies in the log.

    Attributes:
        partition: Of the topic.
        offset: In the partition.
    """

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class TokenBody:
    """What a login gives.

    Attributes:
        access_token: The bearer token.
        expires_in: Seconds.
        user_id: The user that the token names.
        text: The body itself.
    """

    access_token: str = field(repr=False)
    expires_in: int
    user_id: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class AcceptedMessage:
    """A message that the log has.

    Attributes:
        message_id: Its id.
        body: The response's JSON.
        position: Of this record in the log; None if the API does not
            return it.
        accepted_at: The log's time; None if the API does not return it.
        trace_id: Finds the message in the service's logs.
    """

    message_id: str
    body: str = field(repr=False)
    position: LogPosition | None = None
    accepted_at: datetime | None = None
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class PageBody:
    """A page of messages.

    Attributes:
        messages: In the order of the body.
        next_cursor: None when there is no more.
        resume_cursor: Walks forward from the newest message; empty
            where the API gives none.
        text: The body itself.
    """

    messages: tuple[MessageBody, ...]
    next_cursor: str | None
    resume_cursor: str
    text: str


def parse_body(text: str) -> Fields:
    """Read a body.

    Args:
        text: JSON.

    Returns:
        The object.

    Raises:
        InvalidBody: It is no JSON object.
    """
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidBody("no JSON") from error
    if not isinstance(document, dict):
        raise InvalidBody("no JSON object")
    return cast("Fields", document)


def text_of(fields: Fields, name: str) -> str:
    """Return a text member of an object.

    Args:
        fields: The object.
        name: The member.

    Returns:
        The text.

    Raises:
        InvalidBody: There is no such text.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise InvalidBody(f"no {name}")
    return value


def is_token(text: str) -> bool:
    """Return whether a text can be sent as a bearer token.

    Args:
        text: The candidate.

    Returns:
        True for printable ASCII, as a header takes it.
    """
    return text != "" and text.isascii() and text.isprintable()


def number_of(fields: Fields, name: str) -> int:
    """Return a whole-number member of an object.

    Args:
        fields: The object.
        name: The member.

    Returns:
        The number.

    Raises:
        InvalidBody: There is no such number.
    """
    value = fields.get(name)
    if type(value) is not int:
        raise InvalidBody(f"no {name}")
    return value


def moment_of(fields: Fields, name: str) -> datetime:
    """Return a time member of an object.

    Args:
        fields: The object.
        name: The member.

    Returns:
        The moment, with its offset from UTC.

    Raises:
        InvalidBody: There is no such moment.
    """
    try:
        moment = datetime.fromisoformat(text_of(fields, name))
    except ValueError as error:
        raise InvalidBody(f"no {name}") from error
    if moment.tzinfo is None:
        raise InvalidBody(f"no {name}")
    return moment


def log_position(fields: Fields) -> LogPosition | None:
    """Return the position in the log from a 202's body.

    Args:
        fields: The body.

    Returns:
        The position; None where an older API does not give it.
    """
    log = fields.get("log")
    if not isinstance(log, dict):
        return None
    position = cast("Fields", log)
    return LogPosition(number_of(position, "partition"), number_of(position, "offset"))


def message(value: object) -> MessageBody:
    """Read one message.

    Args:
        value: What a body has in the message's place.

    Returns:
        The message.

    Raises:
        InvalidBody: It is none.
    """
    if not isinstance(value, dict):
        raise InvalidBody("no message")
    fields = cast("Fields", value)
    return MessageBody(
        text_of(fields, "message_id"),
        text_of(fields, "conversation_id"),
        text_of(fields, "sender_id"),
        text_of(fields, "content"),
        moment_of(fields, "timestamp"),
        text_of(fields, "status"),
        fields,
        None if fields.get("delivered_at") is None else moment_of(fields, "delivered_at"),
    )


def page(text: str) -> PageBody:
    """Read a page of messages.

    Args:
        text: The body.

    Returns:
        The page.

    Raises:
        InvalidBody: It is none.
    """
    fields = parse_body(text)
    listed, pagination = fields.get("messages"), fields.get("pagination")
    if not isinstance(listed, list) or not isinstance(pagination, dict):
        raise InvalidBody("no messages")
    next_cursor = pagination.get("next_cursor")
    resume_cursor = pagination.get("resume_cursor")
    return PageBody(
        tuple(message(item) for item in listed),
        next_cursor if isinstance(next_cursor, str) else None,
        resume_cursor if isinstance(resume_cursor, str) else "",
        text,
    )


def token(text: str) -> TokenBody:
    """Read the response of a login.

    Args:
        text: The body.

    Returns:
        The token.

    Raises:
        InvalidBody: It is none that can be sent and kept.
    """
    fields = parse_body(text)
    access_token = text_of(fields, "access_token")
    expires_in = number_of(fields, "expires_in")
    # Whatever is kept must go into a header again, and its end on a
    # calendar.
    if not is_token(access_token):
        raise InvalidBody("no access_token")
    if not 0 < expires_in <= MAX_TOKEN_S:
        raise InvalidBody("no expires_in")
    return TokenBody(access_token, expires_in, text_of(fields, "user_id"), text)


def accepted(text: str) -> AcceptedMessage:
    """Read the 202 of a message.

    Args:
        text: The body.

    Returns:
        The message's id and what else the API says of it.

    Raises:
        InvalidBody: It is none.
    """
    fields = parse_body(text)
    accepted_at = None if "accepted_at" not in fields else moment_of(fields, "accepted_at")
    return AcceptedMessage(
        text_of(fields, "message_id"),
        text,
        log_position(fields),
        accepted_at,
        str(fields.get("trace_id") or ""),
    )
