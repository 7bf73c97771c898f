"""The seam between the server, which knows bytes and threads, and the
application, which knows routes.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple, Protocol

from angarium.api.request_headers import Headers
from angarium.domain.errors import Code
from angarium.domain.user import Principal


class ExecutionMode(Enum):
    """Where a request is run.

    Attributes:
        INLINE: On the server's own thread; must never block.
        STORE: On the pool that waits for the store.
        HASHING: Begun on the server's own thread, then on the pool that
            computes password hashes; outside the bound on requests in
            hand, with bounds of its own.
        HEALTH: On a small pool of its own, outside the bound on
            requests in hand.
        LIVENESS: On the server's own thread, outside the bound too; is
            answered at once.
    """

    INLINE = auto()
    STORE = auto()
    HASHING = auto()
    HEALTH = auto()
    LIVENESS = auto()


class BodyRule(Enum):
    """What a route does with a body.

    Attributes:
        NONE: There is none to read; one that comes is drained and
            ignored.
        JSON: A JSON object is wanted.
        JSON_OR_FORM: A JSON object or an urlencoded form is wanted.
    """

    NONE = auto()
    JSON = auto()
    JSON_OR_FORM = auto()


# Head and Response are tuples because one of each is made for every
# request: a frozen dataclass takes three times as long.
class Head(NamedTuple):
    """A request's line and headers, whole and well-formed.

    Attributes:
        method: As sent; one that HTTP knows.
        path: Of the target, still percent-encoded, without the query.
        query: Behind the `?`, still percent-encoded.
        headers: All of them.
        peer: The address of the other end of the connection, without
            the port.
        trace_id: 32 hex digits in lower case.
    """

    method: str
    path: str
    query: str
    headers: Headers
    peer: str
    trace_id: str


class Response(NamedTuple):
    """What is answered.

    Attributes:
        status: The HTTP status.
        body: The bytes; not sent for HEAD.
        content_type: Of the body.
        headers: More headers, without `Content-Length`, `Content-Type`,
            `Date`, `Connection`, `X-Trace-Id`, which the server adds.
    """

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DeferredResponse:
    """An answer that depends on a future; no thread waits for it.

    Attributes:
        future: Done by any thread.
        render: Called once when the future is done, on the server's
            thread; must not block or raise.
        late: Gives the answer when the future is not done in time.
        within: Seconds that the future may take.
    """

    future: "Future[object]"
    render: Callable[[], Response]
    late: Callable[[], Response]
    within: float


@dataclass(frozen=True, slots=True)
class WouldBlock:
    """The request needs the store after all: run it again on the STORE
    lane with `may_block`.
    """


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """The rest of a login, once it is known that it may begin: one of
    the two is called, once.

    Attributes:
        run: Compares the password, on the HASHING lane; never raises.
        abandon: Takes the attempt back where nobody is left to compare
            for, or no room.
    """

    run: Callable[[], Response]
    abandon: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that may send its body: path, method, token and the
    body's shape are in order.

    Attributes:
        head: The request's head.
        template: The route's path with parameter names, for the access
            line.
        lane: Where to run it.
        body_rule: Whether a body is wanted.
        endpoint: The application's own mark of the route.
        parameters: The path's parameters, percent-decoded.
        principal: The caller, None on a route that wants no token.
        client: The address that the request comes from, in front of
            trusted proxies.
    """

    head: Head
    template: str
    lane: ExecutionMode
    body_rule: BodyRule
    endpoint: object
    parameters: Mapping[str, str] = field(default_factory=dict)
    principal: Principal | None = None
    client: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is answered without its body.

    Attributes:
        response: The answer.
        template: The route's path where it is known, `unmatched`
            otherwise, for the access line.
        parameters: The path's parameters where its route is known,
            percent-decoded.
    """

    response: Response
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)


Outcome = Response | DeferredResponse | WouldBlock | PasswordCheck


class Application(Protocol):
    """What the server asks of the routes; `admit`, `rested`, `report`
    and `refuse` never block.
    """

    def admit(self, head: Head) -> Admission | Refusal:
        """Decide from the head alone: host, path, method, token, the
        body's shape, in this order.

        Args:
            head: The request's head.

        Returns:
            Leave to send the body, or the answer.
        """
        ...

    def run(self, admission: Admission, body: bytes, may_block: bool) -> Outcome:
        """Carry a request out; never raises.

        Args:
            admission: What `admit` gave.
            body: The whole body, at most 64 KiB.
            may_block: False on the server's thread.

        Returns:
            The answer, now or later; WouldBlock and PasswordCheck only
            when `may_block` is False.
        """
        ...

    def rested(self) -> None:
        """Take it that no request is at hand for the moment; never
        blocks or raises.
        """
        ...

    def report(self, at_once: bool) -> None:
        """Write the lines that sum up what repeats; called several
        times a second, never blocks or raises.

        Args:
            at_once: Whether there will be no later moment for them.
        """
        ...

    def late(self, admission: Admission) -> Response:
        """Answer a request that got no answer from its lane in time.

        Args:
            admission: What `admit` gave.

        Returns:
            503, `store_unavailable`, `overloaded` on the HASHING lane.
        """
        ...

    def refuse(self, code: Code, detail: str, trace_id: str) -> Response:
        """Make the answer for a fault that the server itself found.

        Args:
            code: What clients branch on, such as `malformed_request`.
            detail: What happened, and what to do next.
            trace_id: The request's trace id.

        Returns:
            The problem document with its status.
        """
        ...
