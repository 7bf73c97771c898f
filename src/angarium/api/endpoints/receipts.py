"""Confirming that messages were delivered."""

from collections.abc import Sequence
from uuid import UUID

from angarium.api.fields import BodyFields, ValidationErrors, identifiers, path_identifier
from angarium.api.interface import Outcome, Response
from angarium.api.json_codec import encode, read_object
from angarium.api.request_context import RequestContext
from angarium.api.respond import Append, respond_when_appended
from angarium.api.values import quote_for_error
from angarium.domain.errors import Code
from angarium.domain.events import MAX_RECEIPT_IDS
from angarium.domain.message import Status
from angarium.ports.message_log import Appended

RETRY = "Confirm again: repeating a receipt changes nothing."


def confirm(request: RequestContext) -> Outcome:
    """Confirm messages of a conversation.

    Args:
        request: With `status` and `message_ids`.

    Returns:
        202 once the log has the receipt.
    """
    errors = request.validation_errors()
    conversation_id = path_identifier(request.admission.parameters, "conversation_id", errors)
    body = BodyFields(read_object(request.body), errors)
    status = body.text("status", required=True)
    if status is not None and status.value != Status.DELIVERED.value:
        errors.add(
            Code.INVALID_STATUS,
            f"`status` is {quote_for_error(status.value)}; the only value allowed is DELIVERED.",
            "status",
        )
    message_ids = _message_ids(body, errors)
    errors.check()
    return _append(request, conversation_id, message_ids)


def confirm_one(request: RequestContext) -> Outcome:
    """Confirm one message.

    Args:
        request: With `conversation_id` and `message_id` in the path; a
            body is ignored.

    Returns:
        202 once the log has the receipt.
    """
    errors = request.validation_errors()
    conversation_id = path_identifier(request.admission.parameters, "conversation_id", errors)
    message_id = path_identifier(request.admission.parameters, "message_id", errors)
    errors.check()
    return _append(request, conversation_id, [message_id])


def _append(
    request: RequestContext, conversation_id: UUID, message_ids: Sequence[UUID]
) -> Outcome:
    """Append the receipt to the log and respond when it is there."""
    services = request.services
    conversation = services.conversations.get(request.caller_id, conversation_id)
    pending = services.delivery.confirm(
        conversation, request.caller_id, message_ids, request.trace_id
    )

    def accepted(_: Appended) -> Response:
        """Return the 202 with the number of ids accepted."""
        return Response(202, encode({"accepted": pending.accepted}))

    append = Append(
        pending.appended, request.trace_id, str(conversation_id), RETRY, services.repeats
    )
    return respond_when_appended(append, accepted)


def _message_ids(body: BodyFields, errors: ValidationErrors) -> list[UUID]:
    """Read the body's ids, 1 to the maximum of a receipt."""
    texts = body.texts("message_ids")
    if texts is None:
        return []
    if not 1 <= len(texts) <= MAX_RECEIPT_IDS:
        errors.add(
            Code.INVALID_FIELD,
            f"`message_ids` has {len(texts)} ids; send 1 to {MAX_RECEIPT_IDS}.",
            "message_ids",
        )
        return []
    return identifiers(texts, Code.INVALID_FIELD, "message_ids", errors)
