"""The message that a client hands over, field by field."""

from uuid import UUID

from angarium.api.call import Call
from angarium.api.fields import NIL, BodyFields, Faults, Sent, identifier
from angarium.api.headers import Headers
from angarium.api.json_bodies import read_object
from angarium.api.values import shown
from angarium.domain.content import content_problem
from angarium.domain.errors import Code
from angarium.domain.identifiers import parse_uuid
from angarium.services.sending import Submission

IDEMPOTENCY_KEY = "Idempotency-Key"


def read_submission(call: Call) -> tuple[UUID, Submission]:
    """Read a message from a request.

    Args:
        call: With the message as JSON, and perhaps an `Idempotency-Key`.

    Returns:
        The conversation's id and what is to be sent in it.

    Raises:
        Refused: With everything that is wrong about the fields.
    """
    faults = Faults()
    body = BodyFields(read_object(call.body), faults)
    conversation_id = _optional_id(
        body.text("conversation_id", required=True), Code.INVALID_CONVERSATION_ID, faults
    )
    content = body.text("content", "text", required=True)
    if content is not None:
        problem = content_problem(content.value, content.name)
        if problem is not None:
            faults.take(problem)
    _check_sender(body.text("sender_id", "sender", is_id=True), call.caller_id, faults)
    recipient = body.text("recipient_id", "recipient", is_id=True)
    recipient_id = _optional_id(recipient, Code.RECIPIENT_MISMATCH, faults)
    message_id = _message_id(body.text("message_id"), call.admission.head.headers, faults)
    faults.check()
    # What is missing was refused just now; the types don't know.
    text = "" if content is None else content.value
    return conversation_id or NIL, Submission(text, recipient_id, message_id)


def _optional_id(sent: Sent | None, code: Code, faults: Faults) -> UUID | None:
    return None if sent is None else identifier(sent.value, code, sent.name, faults)


def _check_sender(sent: Sent | None, caller_id: UUID, faults: Faults) -> None:
    if sent is not None and parse_uuid(sent.value) != caller_id:
        faults.add(
            Code.SENDER_MISMATCH,
            f"`{sent.name}` is {shown(sent.value)}, but the token is that of {caller_id}; "
            "send that id, or leave it out.",
            sent.name,
        )


def _message_id(sent: Sent | None, headers: Headers, faults: Faults) -> UUID | None:
    keys = headers.all("idempotency-key")
    if not keys:
        return _optional_id(sent, Code.INVALID_MESSAGE_ID, faults)
    names = [Sent(IDEMPOTENCY_KEY, _unquoted(key)) for key in keys]
    ids = {_optional_id(each, Code.INVALID_MESSAGE_ID, faults) for each in ([sent] if sent else []) + names}
    if len(ids) > 1:
        faults.add(
            Code.INVALID_MESSAGE_ID,
            f"`message_id` and {IDEMPOTENCY_KEY} are two names of one id and differ; send one of them.",
            "message_id",
        )
    return ids.pop()


def _unquoted(key: str) -> str:
    # draft-ietf-httpapi-idempotency-key-header makes it a structured string, with quotes around it.
    return key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
