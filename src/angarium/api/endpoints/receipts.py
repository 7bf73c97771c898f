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


def confirm(call: RequestContext) -> Outcome:
    """Confirm messages of a conversation.

    Args:
        call: With `status` and `message_ids`.

    Returns:
        202 once the log has the receipt.
    """
    faults = call.faults()
    conversation_id = path_identifier(call.admission.parameters, "conversation_id", faults)
    body = BodyFields(read_object(call.body), faults)
    status = body.text("status", required=True)
    if status is not None and status.value != Status.DELIVERED.value:
        faults.add(
            Code.INVALID_STATUS,
            f"`status` is {quote_for_error(status.value)}; the only value allowed is DELIVERED.",
            "status",
        )
    message_ids = _message_ids(body, faults)
    faults.check()
    return _append(call, conversation_id, message_ids)


def confirm_one(call: RequestContext) -> Outcome:
    """Confirm one message.

    Args:
        call: With `conversation_id` and `message_id` in the path; a
            body is ignored.

    Returns:
        202 once the log has the receipt.
    """
    faults = call.faults()
    conversation_id = path_identifier(call.admission.parameters, "conversation_id", faults)
    message_id = path_identifier(call.admission.parameters, "message_id", faults)
    faults.check()
    return _append(call, conversation_id, [message_id])


def _append(call: RequestContext, conversation_id: UUID, message_ids: Sequence[UUID]) -> Outcome:
    """Append the receipt to the log and respond when it is there."""
    services = call.services
    conversation = services.conversations.get(call.caller_id, conversation_id)
    pending = services.delivery.confirm(conversation, call.caller_id, message_ids, call.trace_id)

    def accepted(_: Appended) -> Response:
        """Return the 202 with the number of ids accepted."""
        return Response(202, encode({"accepted": pending.accepted}))

    append = Append(pending.appended, call.trace_id, str(conversation_id), RETRY, services.repeats)
    return respond_when_appended(append, accepted)


def _message_ids(body: BodyFields, faults: ValidationErrors) -> list[UUID]:
    """Read the body's ids, 1 to the maximum of a receipt."""
    texts = body.texts("message_ids")
    if texts is None:
        return []
    if not 1 <= len(texts) <= MAX_RECEIPT_IDS:
        faults.add(
            Code.INVALID_FIELD,
            f"`message_ids` has {len(texts)} ids; send 1 to {MAX_RECEIPT_IDS}.",
            "message_ids",
        )
        return []
    return identifiers(texts, Code.INVALID_FIELD, "message_ids", faults)
