"""GET /v1/inbox."""

from angarium.api.call import Call
from angarium.api.exchange import Response
from angarium.api.fields import Faults, QueryFields
from angarium.api.json_bodies import encode_text
from angarium.api.message_bodies import messages_text
from angarium.services import cursors


def mine(call: Call) -> Response:
    """List what the caller has not confirmed yet, oldest first.

    Args:
        call: With `limit` and `cursor` in the query.

    Returns:
        200 with a page.
    """
    faults = Faults()
    query = QueryFields(call.admission.head.query, faults)
    limit = query.limit()
    cursor = query.cursor(lambda text: cursors.read_inbox(text, call.caller_id))
    faults.check()
    page = call.services.inbox.page(call.caller_id, limit, cursor)
    pagination = {
        "limit": page.limit,
        "count": len(page.messages),
        "has_more": page.has_more,
        "next_cursor": page.next_cursor,
    }
    body = f'{{"messages":{messages_text(page.messages)},"pagination":{encode_text(pagination)}}}'
    return Response(200, body.encode())
