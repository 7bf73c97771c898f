"""Lists of the caller's own, read page by page."""

from collections.abc import Callable, Iterable
from typing import NamedTuple, Protocol
from uuid import UUID

from angarium.api.fields import QueryFields
from angarium.api.interface import Response
from angarium.api.json_codec import encode_list, encode_text
from angarium.api.request_context import RequestContext


class PageRequest(NamedTuple):
    """The page that a request asks for.

    Attributes:
        limit: How many items at most.
        cursor: Where it begins; None for the first page.
    """

    limit: int
    cursor: str | None


class Page(Protocol):
    """What is said of every page, whatever is on it."""

    @property
    def limit(self) -> int:
        """How many items were wanted at most."""
        ...

    @property
    def has_more(self) -> bool:
        """Whether others follow."""
        ...

    @property
    def next_cursor(self) -> str | None:
        """Where the next page begins; None exactly when there is no
        more.
        """
        ...


def parse_page_request(
    call: RequestContext, read_cursor: Callable[[str, UUID], object]
) -> PageRequest:
    """Read which page is asked for.

    Args:
        call: With `limit` and `cursor` in the query.
        read_cursor: Raises Refused for a cursor that does not belong to
            the caller's list.

    Returns:
        The page.

    Raises:
        Refused: With everything that is wrong.
    """
    faults = call.faults()
    query = QueryFields(call.admission.head.query, faults)
    limit = query.limit()
    cursor = query.cursor(lambda text: read_cursor(text, call.caller_id))
    faults.check()
    return PageRequest(limit, cursor)


def page_response(name: str, items: Iterable[str], count: int, page: Page) -> Response:
    """Show a page.

    Args:
        name: Of the member that holds the items.
        items: Them, as JSON each.
        count: How many.
        page: What is said of it.

    Returns:
        200.
    """
    pagination = {
        "limit": page.limit,
        "count": count,
        "has_more": page.has_more,
        "next_cursor": page.next_cursor,
    }
    return Response(
        200, encode_list(f'{{"{name}":[', items, f'],"pagination":{encode_text(pagination)}}}')
    )
