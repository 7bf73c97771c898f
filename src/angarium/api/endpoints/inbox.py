"""GET /v1/inbox."""

from angarium.api.call import RequestContext
from angarium.api.exchange import Response
from angarium.api.listing import page_response, parse_page_request
from angarium.api.message_bodies import message_text
from angarium.services import cursors


def list_inbox(call: RequestContext) -> Response:
    """List what the caller has not confirmed yet, oldest first.

    Args:
        call: With `limit` and `cursor` in the query.

    Returns:
        200 with a page.
    """
    limit, cursor = parse_page_request(call, cursors.read_inbox)
    page = call.services.inbox.page(call.caller_id, limit, cursor)
    return page_response("messages", map(message_text, page.messages), len(page.messages), page)
