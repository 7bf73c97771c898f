"""Sending messages and reading them back."""

from functools import partial
from uuid import UUID

from angarium.api.endpoints.submissions import read_submission
from angarium.api.fields import QueryFields, ValidationErrors, path_identifier
from angarium.api.interface import (
    DeferredResponse,
    Outcome,
    Response,
    ResumeOnLoop,
    WouldBlock,
)
from angarium.api.json_codec import encode_list, encode_text, message_text
from angarium.api.request_context import RequestContext
from angarium.api.respond import Append, respond_when_appended
from angarium.api.timestamps import is_in_seconds, parse_timestamp
from angarium.api.values import quote_for_error
from angarium.domain.conversation import Conversation
from angarium.domain.errors import Code
from angarium.domain.identifiers import new_text_of, text_of
from angarium.domain.timestamps import rfc3339
from angarium.ports.message_log import Appended
from angarium.services import cursors
from angarium.services.history import HistoryQuery, Order
from angarium.services.sending import Submission

RETRY = (
    "Send the message again with this message_id: it stays one message, however often it is sent."
)


def send(request: RequestContext) -> Outcome:
    """Append a message to the log.

    Args:
        request: With the message, and perhaps an `Idempotency-Key`.

    Returns:
        202 once the log has it (docs/adr/0001); WouldBlock when the
        store must be asked for the conversation first; ResumeOnLoop
        when it was asked.
    """
    conversation_id, submission = read_submission(request)
    conversations = request.services.conversations
    if request.may_block:
        conversation = conversations.get(request.caller_id, conversation_id)
        return ResumeOnLoop(partial(_append, request, conversation, submission))
    known = conversations.find_cached(request.caller_id, conversation_id)
    return WouldBlock() if known is None else _append(request, known, submission)


def _append(
    request: RequestContext, conversation: Conversation, submission: Submission
) -> Response | DeferredResponse:
    """Append a message to the log of its conversation."""
    pending = request.services.sending.submit(
        conversation, request.caller_id, submission, request.trace_id
    )
    message_id = new_text_of(pending.message_id)
    conversation_text = text_of(conversation.conversation_id)

    def accepted(appended: Appended) -> Response:
        """Return the 202 with the message's position in the log."""
        body = (
            f'{{"message_id":"{message_id}","conversation_id":"{conversation_text}","status":"ACCEPTED",'
            f'"accepted_at":"{rfc3339(appended.timestamp)}",'
            f'"log":{{"partition":{appended.partition},"offset":{appended.offset}}},'
            f'"trace_id":"{request.trace_id}"}}'
        )
        location = f"/v1/conversations/{conversation_text}/messages/{message_id}"
        return Response(202, body.encode(), headers=(("Location", location),))

    repeats = request.services.repeats
    append = Append(
        pending.appended, request.trace_id, conversation_text, RETRY, repeats, message_id
    )
    return respond_when_appended(append, accepted)


def history(request: RequestContext) -> Response:
    """Return a page of a conversation's messages.

    Args:
        request: With `limit`, `order`, `since_timestamp` and `cursor`
            in the query.

    Returns:
        200 with a page.
    """
    errors = request.validation_errors()
    in_query = errors.count
    conversation_id = path_identifier(request.admission.parameters, "conversation_id", errors)
    # Without a valid conversation id it is unknown which cursors belong
    # to it.
    of_cursors = conversation_id if errors.count == in_query else None
    query = _history_query(request.admission.head.query, of_cursors, errors)
    errors.check()
    request.services.conversations.get(request.caller_id, conversation_id)
    page = request.services.history.page(conversation_id, query)
    pagination = {
        "limit": page.limit,
        "count": len(page.messages),
        "order": page.order.value,
        "has_more": page.has_more,
        "next_cursor": page.next_cursor,
        "resume_cursor": page.resume_cursor,
    }
    body = encode_list(
        f'{{"conversation_id":"{text_of(conversation_id)}","messages":[',
        map(message_text, page.messages),
        f'],"pagination":{encode_text(pagination)}}}',
    )
    return Response(200, body)


def get_message(request: RequestContext) -> Response:
    """Return one message.

    Args:
        request: With `conversation_id` and `message_id` in the path.

    Returns:
        200 with the message.
    """
    errors = request.validation_errors()
    conversation_id = path_identifier(request.admission.parameters, "conversation_id", errors)
    message_id = path_identifier(request.admission.parameters, "message_id", errors)
    errors.check()
    request.services.conversations.get(request.caller_id, conversation_id)
    return Response(
        200, message_text(request.services.history.message(conversation_id, message_id)).encode()
    )


def _history_query(
    text: str, conversation_id: UUID | None, errors: ValidationErrors
) -> HistoryQuery:
    """Read the query parameters of a history."""
    query = QueryFields(text, errors)
    limit = query.limit()
    order = _order(query, errors)
    cursor = query.cursor(
        lambda text: conversation_id and cursors.read_history(text, conversation_id)
    )
    since = None if query.has("cursor") else _since(query, errors)
    return HistoryQuery(limit, order, since, cursor)


def _order(query: QueryFields, errors: ValidationErrors) -> Order:
    """Read `order`; `asc` is the default."""
    text = query.get("order", Code.INVALID_ORDER)
    if text is None:
        return Order.ASC
    try:
        return Order(text)
    except ValueError:
        errors.add(
            Code.INVALID_ORDER, f"`order` is {quote_for_error(text)}; send asc or desc.", "order"
        )
        return Order.ASC


def _since(query: QueryFields, errors: ValidationErrors) -> int | None:
    """Read `since_timestamp` as milliseconds since the epoch."""
    text = query.get("since_timestamp", Code.INVALID_TIMESTAMP)
    if text is None:
        return None
    since = parse_timestamp(text)
    if since is None:
        seconds = ", which are seconds" if is_in_seconds(text) else ""
        errors.add(
            Code.INVALID_TIMESTAMP,
            f"`since_timestamp` is {quote_for_error(text)}{seconds}; send RFC 3339 such as "
            "2025-11-17T12:00:00.000Z, or milliseconds since the epoch, such as 1763380800000.",
            "since_timestamp",
        )
    return since
