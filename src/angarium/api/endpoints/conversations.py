"""Opening, finding and listing conversations."""

from itertools import starmap
from uuid import UUID

from angarium.api.fields import BodyFields, identifiers, path_identifier
from angarium.api.interface import Response
from angarium.api.json_codec import encode, encode_text, message_text, read_object
from angarium.api.pagination import page_response, parse_page_request
from angarium.api.request_context import RequestContext
from angarium.api.values import quote_for_error
from angarium.domain.conversation import Conversation
from angarium.domain.errors import Code, Refused
from angarium.domain.timestamps import rfc3339
from angarium.ports.messages import Summary
from angarium.services import cursors
from angarium.services.conversations import other_participant

TYPE = "private"
"""The only type of conversation that exists."""


def open_conversation(request: RequestContext) -> Response:
    """Open the private conversation of the caller and another user.

    Or return the one that exists: its id is computed from the two
    users' ids (docs/adr/0008).

    Args:
        request: With `participant_ids`, and perhaps `type`.

    Returns:
        201 if it is new, else 200; both with `Location`.
    """
    participant_ids = _participant_ids(request)
    conversation, is_new = request.services.conversations.open(request.caller_id, participant_ids)
    location = f"/v1/conversations/{conversation.conversation_id}"
    return Response(
        201 if is_new else 200,
        encode(conversation_document(conversation)),
        headers=(("Location", location),),
    )


def get_conversation(request: RequestContext) -> Response:
    """Return a conversation of the caller.

    Args:
        request: With `conversation_id` in the path.

    Returns:
        200 with the conversation.
    """
    errors = request.validation_errors()
    conversation_id = path_identifier(request.admission.parameters, "conversation_id", errors)
    errors.check()
    conversation = request.services.conversations.get(request.caller_id, conversation_id)
    return Response(200, encode(conversation_document(conversation)))


def list_conversations(request: RequestContext) -> Response:
    """List the caller's conversations, newest first.

    Args:
        request: With `limit` and `cursor` in the query.

    Returns:
        200 with a page.
    """
    limit, cursor = parse_page_request(request, cursors.read_conversations)
    page = request.services.conversations.page(request.caller_id, limit, cursor)
    return page_response("conversations", starmap(_item, page.items), len(page.items), page)


def conversation_document(conversation: Conversation) -> dict[str, object]:
    """Return the JSON object of a conversation.

    Args:
        conversation: Any of the caller's.

    Returns:
        The members of its JSON object.
    """
    return {
        "conversation_id": str(conversation.conversation_id),
        "type": TYPE,
        "participant_ids": [
            str(participant_id) for participant_id in conversation.participant_ids
        ],
        "created_at": rfc3339(conversation.created_at),
    }


def _item(conversation: Conversation, summary: Summary) -> str:
    """Write one item of the list as JSON."""
    members = encode_text(conversation_document(conversation))[1:-1]
    last = "null" if summary.last_message is None else message_text(summary.last_message)
    return f'{{{members},"last_message":{last},"pending_count":{summary.pending_count}}}'


def _participant_ids(request: RequestContext) -> list[UUID]:
    """Read and check the body's participants and type."""
    errors = request.validation_errors()
    body = BodyFields(read_object(request.body), errors)
    sent_type = body.text("type")
    if sent_type is not None and sent_type.value != TYPE:
        # Ignoring it would look as if a group had been created.
        detail = f"`type` is {quote_for_error(sent_type.value)}; send {TYPE}, or leave it out."
        errors.add(Code.INVALID_FIELD, detail, "type")
    texts = body.texts("participant_ids")
    if texts is None:
        errors.check()
        return []
    ids = identifiers(texts, Code.INVALID_PARTICIPANTS, "participant_ids", errors)
    if len(ids) == len(texts):
        # Checked here too, so that it is reported together with a wrong
        # type.
        try:
            other_participant(request.caller_id, ids)
        except Refused as refused:
            errors.extend(*refused.problems)
    errors.check()
    return ids
