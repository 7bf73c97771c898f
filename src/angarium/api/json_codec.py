"""JSON bodies, parsed strictly, and urlencoded forms."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring as quoted
from typing import NoReturn, cast
from urllib.parse import unquote_to_bytes

from angarium.api.values import quote_for_error
from angarium.domain.errors import Code, Refused
from angarium.domain.identifiers import text_of
from angarium.domain.message import Message
from angarium.domain.timestamps import rfc3339

MAX_DEPTH = 32
"""Nested objects and arrays; no route reads more than two levels.
Python's parser would raise RecursionError far below 64 KiB of `[`.
"""

MAX_FORM_FIELDS = 32
"""Fields of a form; a login has three, OAuth clients add a few."""

# An unterminated string counts as one token up to the end of the body:
# starting again after each of its quotes would take quadratic time.
_BRACKETS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)

encode_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode(document: Mapping[str, object]) -> bytes:
    """Write a document as JSON.

    Args:
        document: Members in the order in which they are written.

    Returns:
        JSON in UTF-8, without white space.
    """
    return encode_text(document).encode()


def encode_list(head: str, items: Iterable[str], tail: str) -> bytes:
    """Write a document that has one long list in it.

    Args:
        head: The text before the first item.
        items: JSON each; encoded and released one by one.
        tail: The text after the last item.

    Returns:
        JSON in UTF-8. As one `str` it would take four bytes for each
        character as soon as it has an emoji (PEP 393).
    """
    pieces = [head.encode()]
    for item in items:
        pieces += (item.encode(), b",")
    if len(pieces) > 1:
        pieces.pop()
    pieces.append(tail.encode())
    return b"".join(pieces)


def read_object(body: bytes) -> Mapping[str, object]:
    """Parse a JSON object strictly (RFC 8259).

    UTF-8 only, no duplicate key, no NaN, a limit on nesting.

    Args:
        body: The request's body.

    Returns:
        The members. Integers become floats: no route reads a number,
        and parsing a long one as `int` takes quadratic time.

    Raises:
        Refused: `malformed_json`, with the line and column.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed_body(
            f"The body is not UTF-8 at byte {error.start}; send JSON in UTF-8."
        ) from error
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:
        _check_depth(text)
    try:
        document: object = _decode(text)
    except json.JSONDecodeError as error:
        raise _malformed_body(
            f"The body is not JSON: {error.msg}, line {error.lineno}, column {error.colno}; send "
            "an object."
        ) from error
    if type(document) is not dict:
        raise _malformed_body("The body is JSON, but not an object; send an object such as {…}.")
    return cast("dict[str, object]", document)


def read_form(body: bytes) -> Mapping[str, object]:
    """Parse an urlencoded form strictly: UTF-8, no duplicate field.

    Args:
        body: The request's body, `application/x-www-form-urlencoded`.

    Returns:
        The fields; one without a value is an empty string.

    Raises:
        Refused: `malformed_json`, which is the code of every body that
            cannot be read.
    """
    if not body:
        return {}
    pairs = body.split(b"&")
    if len(pairs) > MAX_FORM_FIELDS:
        raise _malformed_body(f"The form has {len(pairs)} fields; send at most {MAX_FORM_FIELDS}.")
    form: dict[str, object] = {}
    for pair in pairs:
        name, _, value = (_unquote_form(part) for part in pair.partition(b"="))
        if name in form:
            raise _malformed_body(
                f"The form has the field {quote_for_error(name)} twice; send it once."
            )
        if pair:
            form[name] = value
    return form


def _unquote_form(part: bytes) -> str:
    """Decode one name or value of a form."""
    try:
        return unquote_to_bytes(part.replace(b"+", b" ")).decode()
    except UnicodeDecodeError as error:
        raise _malformed_body("The form is not percent-encoded UTF-8; encode it so.") from error


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object of its members, refusing a duplicate key."""
    members = dict(pairs)
    if len(members) != len(pairs):
        [(name, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise _malformed_body(
            f"The body has the key {quote_for_error(name)} twice in one object; send it once."
        )
    return members


def _constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser would accept."""
    raise _malformed_body(f"The body has {name}, which is not JSON; send a number or null.")


_decode = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=float, parse_constant=_constant
).decode


def _check_depth(text: str) -> None:
    """Refuse nesting that would exhaust the parser's recursion."""
    depth = 0
    for match in _BRACKETS.finditer(text):
        found = match.group()
        if found in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _malformed_body(
                    f"The body is nested deeper than {MAX_DEPTH}; send a flat object."
                )
        elif found in "]}":
            depth -= 1


def _malformed_body(detail: str) -> Refused:
    """Make the error for any body that cannot be read."""
    return Refused.because(Code.MALFORMED_JSON, detail)


def message_text(message: Message) -> str:
    """Write a message as JSON, as every endpoint returns it.

    Args:
        message: As stored.

    Returns:
        A JSON object.
    """
    delivered_at = "null" if message.delivered_at is None else f'"{rfc3339(message.delivered_at)}"'
    return (
        f'{{"message_id":"{message.message_id}","conversation_id":"{text_of(message.conversation_id)}",'
        f'"sender_id":"{text_of(message.sender_id)}","recipient_id":"{text_of(message.recipient_id)}",'
        f'"content":{quoted(message.content)},"timestamp":"{rfc3339(message.position.timestamp)}",'
        f'"status":"{message.status.value}","delivered_at":{delivered_at}}}'
    )
