"""GET /v1/inbox."""

from angarium.api.call import Call
from angarium.api.exchange import Response
from angarium.api.listing import shown, wanted
from angarium.api.message_bodies import message_text
from angarium.services import cursors


def mine(call: Call) -> Response:
    """List what the caller has not confirmed yet, oldest first.

    Args:
        call: With `limit` and `cursor` in the query.

    Returns:
        200 with a page.
    """
    limit, cursor = wanted(call, cursors.read_inbox)
    page = call.services.inbox.page(call.caller_id, limit, cursor)
    return shown("messages", map(message_text, page.messages), len(page.messages), page)
