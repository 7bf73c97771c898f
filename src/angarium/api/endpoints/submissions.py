"""Reading the message that a client sends, field by field."""

import re
from typing import NamedTuple
from uuid import UUID, uuid5

from angarium.api.fields import NIL, BodyFields, FieldValue, ValidationErrors, identifier
from angarium.api.json_codec import read_object
from angarium.api.request_context import RequestContext
from angarium.api.request_headers import Headers
from angarium.api.values import quote_for_error
from angarium.domain.content import content_problem
from angarium.domain.errors import Code
from angarium.domain.identifiers import parse_uuid
from angarium.services.sending import Submission

IDEMPOTENCY_KEY = "Idempotency-Key"
MAX_KEY_LENGTH = 255
"""Characters; Stripe's limit, which clients know."""

_KEY = re.compile(f"[ -~]{{1,{MAX_KEY_LENGTH}}}")


def read_submission(request: RequestContext) -> tuple[UUID, Submission]:
    """Read a message from a request.

    Args:
        request: With the message as JSON, and perhaps an
            `Idempotency-Key`.

    Returns:
        The conversation's id and the message.

    Raises:
        Refused: With every error in the fields.
    """
    errors = request.validation_errors()
    body = BodyFields(read_object(request.body), errors)
    conversation_id = _optional_id(
        body.text("conversation_id", required=True), Code.INVALID_CONVERSATION_ID, errors
    )
    content = body.text("content", "text", required=True)
    if content is not None:
        problem = content_problem(content.value, content.name)
        if problem is not None:
            errors.extend(problem)
    _check_sender(body.text("sender_id", "sender", is_id=True), request.caller_id, errors)
    recipient = body.text("recipient_id", "recipient", is_id=True)
    recipient_id = _optional_id(recipient, Code.RECIPIENT_MISMATCH, errors)
    scope = _KeyScope(conversation_id, request.caller_id)
    message_id = _message_id(
        body.text("message_id"), request.admission.head.headers, scope, errors
    )
    errors.check()
    # `check` has refused missing fields, which the types do not show.
    text = "" if content is None else content.value
    return conversation_id or NIL, Submission(text, recipient_id, message_id)


def _optional_id(sent: FieldValue | None, code: Code, errors: ValidationErrors) -> UUID | None:
    """Read an id that may be missing."""
    return None if sent is None else identifier(sent.value, code, sent.name, errors)


def _check_sender(sent: FieldValue | None, caller_id: UUID, errors: ValidationErrors) -> None:
    """Note a sender who is not the caller."""
    if sent is not None and parse_uuid(sent.value) != caller_id:
        errors.add(
            Code.SENDER_MISMATCH,
            f"`{sent.name}` is {quote_for_error(sent.value)}, but the token is that of "
            f"{caller_id}; send that id, or leave it out.",
            sent.name,
        )


def _message_id(
    sent: FieldValue | None, headers: Headers, scope: "_KeyScope", errors: ValidationErrors
) -> UUID | None:
    """Return the message's id, from the body or `Idempotency-Key`."""
    message_id = _optional_id(sent, Code.INVALID_MESSAGE_ID, errors)
    keys = headers.all("idempotency-key")
    if not keys:
        return message_id
    ids = {_id_of_key(key, scope, errors) for key in keys}
    if sent is not None:
        ids.add(parse_uuid(sent.value))
    # None is an id that could not be read; that is noted already.
    if len(ids) > 1 and None not in ids:
        errors.add(
            Code.INVALID_MESSAGE_ID,
            f"`message_id` and {IDEMPOTENCY_KEY} are two names of one id and differ; send one of "
            "them.",
            "message_id",
        )
    return ids.pop()


class _KeyScope(NamedTuple):
    """In which scope a key that is not a UUID names one message.

    Attributes:
        conversation_id: The conversation; None or nil when it was noted
            as an error.
        sender_id: The caller, so that two users' keys do not collide by
            chance.
    """

    conversation_id: UUID | None
    sender_id: UUID


def _id_of_key(key: str, scope: _KeyScope, errors: ValidationErrors) -> UUID | None:
    """Return the id for a key, the same on every instance.

    The decision: docs/adr/0003.
    """
    # In draft-ietf-httpapi-idempotency-key-header it is a structured
    # field's string, which has quotes.
    bare = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    parsed = parse_uuid(bare)
    if parsed is not None:
        return parsed
    if _KEY.fullmatch(bare) is None:
        errors.add(
            Code.INVALID_MESSAGE_ID,
            f"{IDEMPOTENCY_KEY} is {quote_for_error(key)}; send a UUID, or 1 to {MAX_KEY_LENGTH} "
            "printable ASCII characters.",
            IDEMPOTENCY_KEY,
        )
        return None
    if scope.conversation_id is None or scope.conversation_id == NIL:
        return None
    return uuid5(scope.conversation_id, f"{scope.sender_id}:{bare}")
