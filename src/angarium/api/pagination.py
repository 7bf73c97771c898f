"""Pages of the caller's own lists: the request and the response."""

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
        limit: The maximum number of items.
        cursor: Where it starts (docs/adr/0009); None for the first
            page.
    """

    limit: int
    cursor: str | None


class Page(Protocol):
    """What every page has in common, whatever its items are."""

    @property
    def limit(self) -> int:
        """The maximum number of items that was asked for."""
        ...

    @property
    def has_more(self) -> bool:
        """Whether more items follow."""
        ...

    @property
    def next_cursor(self) -> str | None:
        """Where the next page starts; None exactly at the last page."""
        ...


def parse_page_request(
    request: RequestContext, read_cursor: Callable[[str, UUID], object]
) -> PageRequest:
    """Read `limit` and `cursor`.

    Args:
        request: With `limit` and `cursor` in the query.
        read_cursor: Raises Refused for a cursor that does not belong to
            the caller's list.

    Returns:
        The page.

    Raises:
        Refused: With every error in the query.
    """
    errors = request.validation_errors()
    query = QueryFields(request.admission.head.query, errors)
    limit = query.limit()
    cursor = query.cursor(lambda text: read_cursor(text, request.caller_id))
    errors.check()
    return PageRequest(limit, cursor)


def page_response(name: str, items: Iterable[str], count: int, page: Page) -> Response:
    """Return a page as a response.

    Args:
        name: The member that holds the items.
        items: JSON each.
        count: The number of items.
        page: Its limit and next cursor.

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
