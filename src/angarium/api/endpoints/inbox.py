"""GET /v1/inbox."""

from angarium.api.interface import Response
from angarium.api.json_codec import message_text
from angarium.api.pagination import page_response, parse_page_request
from angarium.api.request_context import RequestContext
from angarium.services import cursors


def list_inbox(request: RequestContext) -> Response:
    """List what the caller has not confirmed yet, oldest first.

    Args:
        request: With `limit` and `cursor` in the query.

    Returns:
        200 with a page.
    """
    limit, cursor = parse_page_request(request, cursors.read_inbox)
    page = request.services.inbox.page(request.caller_id, limit, cursor)
    return page_response("messages", map(message_text, page.messages), len(page.messages), page)
