"""Every route in one table, and how a path finds its route."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from angarium.api.endpoints import (
    conversations,
    health,
    inbox,
    messages,
    openapi,
    page,
    problems,
    receipts,
    tokens,
    users,
)
from angarium.api.interface import BodyRule, ExecutionMode, Outcome
from angarium.api.request_context import RequestContext


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        method: GET also answers HEAD.
        template: The path, with the names of its parameters in braces.
        mode: Which thread runs it.
        body_rule: What body it takes.
        wants_token: Whether a token is required.
        endpoint: The function that serves it.
        query: The query parameters that its path allows, with any
            method; None if any.
    """

    method: str
    template: str
    mode: ExecutionMode
    body_rule: BodyRule
    wants_token: bool
    endpoint: Callable[[RequestContext], Outcome]
    query: tuple[str, ...] | None = None


_Run = ExecutionMode
_CONVERSATIONS = "/v1/conversations"
_CONVERSATION = _CONVERSATIONS + "/{conversation_id}"
_MESSAGE = _CONVERSATION + "/messages/{message_id}"
_PAGE = ("limit", "cursor")
_HISTORY = ("limit", "order", "since_timestamp", "cursor")

# fmt: off
ROUTES: Sequence[Route] = (
    Route("POST", "/auth/token", _Run.HASHING, BodyRule.JSON_OR_FORM, False, tokens.issue),
    Route("GET", "/v1/users/me", _Run.STORE, BodyRule.NONE, True, users.me, ()),
    Route("GET", "/v1/users/{user_id}", _Run.STORE, BodyRule.NONE, True, users.by_id, ()),
    Route("GET", "/v1/users", _Run.STORE, BodyRule.NONE, True, users.by_name, ("username",)),
    Route("POST", _CONVERSATIONS, _Run.STORE, BodyRule.JSON, True,
          conversations.open_conversation, _PAGE),
    Route("GET", _CONVERSATIONS, _Run.STORE, BodyRule.NONE, True,
          conversations.list_conversations, _PAGE),
    Route("GET", _CONVERSATION, _Run.STORE, BodyRule.NONE, True,
          conversations.get_conversation, ()),
    Route("POST", "/v1/messages", _Run.INLINE, BodyRule.JSON, True, messages.send, ()),
    Route("GET", _CONVERSATION + "/messages", _Run.STORE, BodyRule.NONE, True,
          messages.history, _HISTORY),
    Route("GET", _MESSAGE, _Run.STORE, BodyRule.NONE, True,
          messages.get_message, ()),
    Route("POST", _CONVERSATION + "/receipts", _Run.STORE, BodyRule.JSON, True,
          receipts.confirm, ()),
    Route("POST", _MESSAGE + "/delivered", _Run.STORE, BodyRule.NONE, True,
          receipts.confirm_one, ()),
    Route("GET", "/v1/inbox", _Run.STORE, BodyRule.NONE, True, inbox.list_inbox, _PAGE),
    Route("GET", "/health/live", _Run.LIVENESS, BodyRule.NONE, False, health.live),
    Route("GET", "/health/ready", _Run.HEALTH, BodyRule.NONE, False, health.ready),
    Route("GET", "/openapi.json", _Run.INLINE, BodyRule.NONE, False, openapi.document),
    Route("GET", "/problems", _Run.INLINE, BodyRule.NONE, False, problems.page),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Resource:
    """One path and all its methods.

    Attributes:
        template: The path, with the names of its parameters in braces.
        names: The parameters' names, in the order of the path.
        routes: By method.
        allow: The value of the `Allow` field.
    """

    template: str
    names: tuple[str, ...]
    routes: Mapping[str, Route]
    allow: str


@dataclass(slots=True)
class _Node:
    """One segment of the paths: fixed children, or a parameter."""

    children: "dict[str, _Node]" = field(default_factory=dict)
    parameter: "_Node | None" = None
    resource: Resource | None = None


class RoutingTable:
    """Finds the resource of a path, segment by segment."""

    def __init__(self, routes: Sequence[Route]) -> None:
        """Build the tree of segments."""
        self._fixed: dict[str, tuple[Resource, Mapping[str, str]]] = {}
        self._root = _Node()
        for template in dict.fromkeys(route.template for route in routes):
            self._add(
                _resource(template, [route for route in routes if route.template == template])
            )

    def match(self, path: str) -> tuple[Resource, Mapping[str, str]] | None:
        """Find the resource of a path.

        Args:
            path: Still percent-encoded, without the query.

        Returns:
            The resource and the path's parameters, decoded; None for an
            unknown path.
        """
        return self._fixed.get(path) or self._walk(path)

    def _add(self, resource: Resource) -> None:
        """Add a resource to the tree."""
        if not resource.names:
            self._fixed[resource.template] = (resource, {})
        node = self._root
        for segment in resource.template.split("/")[1:]:
            if segment.startswith("{"):
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.children.setdefault(segment, _Node())
        node.resource = resource

    def _walk(self, path: str) -> tuple[Resource, Mapping[str, str]] | None:
        """Follow a path's segments through the tree."""
        if not path.startswith("/"):
            return None
        node: _Node | None = self._root
        values = []
        for encoded in path[1:].split("/"):
            segment = unquote(encoded)
            if node is None or not segment:
                return None
            child = node.children.get(segment)
            if child is None:
                values.append(segment)
                child = node.parameter
            node = child
        if node is None or node.resource is None:
            return None
        return node.resource, dict(zip(node.resource.names, values, strict=True))


def _resource(template: str, routes: Sequence[Route]) -> Resource:
    """Combine the routes of one path; GET answers HEAD too."""
    by_method = {route.method: route for route in routes}
    if "GET" in by_method:
        by_method["HEAD"] = by_method["GET"]
    names = tuple(segment[1:-1] for segment in template.split("/") if segment.startswith("{"))
    return Resource(template, names, by_method, ", ".join([*sorted(by_method), "OPTIONS"]))


def page_routes(settings: page.PageSettings) -> Sequence[Route]:
    """List the routes of the page for people.

    They are no part of the API: its description does not have them.

    Args:
        settings: What the page is told.

    Returns:
        A route for `/`, and one for each file under `/page/`.
    """
    endpoints = page.endpoints(settings)
    return [
        Route("GET", path, _Run.INLINE, BodyRule.NONE, False, endpoint)
        for path, endpoint in endpoints.items()
    ]


TABLE = RoutingTable(ROUTES)
"""The API without the page."""
