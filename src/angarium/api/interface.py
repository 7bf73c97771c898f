"""The interface between the HTTP server and the application.

The server knows bytes, connections and threads; the application knows
routes.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple, Protocol

from angarium.api.request_headers import Headers
from angarium.domain.errors import Code
from angarium.domain.user import Principal

UNMATCHED = "unmatched"
"""The route in log lines of a request that has none."""
MAX_BODY_BYTES = 65_536
"""Bytes of the largest body that is read: six times the largest text,
which leaves room for JSON escapes (docs/http.md, Limits, and
docs/adr/0007).
"""
MAX_LENGTH_DIGITS = 18
"""Digits of a length that are converted to a number; 64 bits hold as
many, and Python refuses to convert thousands.
"""


class ExecutionMode(Enum):
    """Which thread runs a request.

    Attributes:
        INLINE: On the event loop's thread; must never block.
        STORE: On the pool that waits for the store.
        HASHING: Started on the event loop's thread, then on the pool
            that computes password hashes; has a limit of its own
            instead of that on concurrent requests.
        HEALTH: On a small pool of its own; does not count as a
            concurrent request, so that it works under overload.
        LIVENESS: On the event loop's thread; does not count either.
    """

    INLINE = auto()
    STORE = auto()
    HASHING = auto()
    HEALTH = auto()
    LIVENESS = auto()


class BodyRule(Enum):
    """What a route does with a body.

    Attributes:
        NONE: No body is expected; one that comes is read and
            discarded.
        JSON: A JSON object is required.
        JSON_OR_FORM: A JSON object or an urlencoded form is required.
    """

    NONE = auto()
    JSON = auto()
    JSON_OR_FORM = auto()


# Head and Response are tuples because one of each is made for every
# request: a frozen dataclass takes three times as long
# (docs/adr/0022).
class Head(NamedTuple):
    """A request's line and headers, complete and well-formed.

    Attributes:
        method: As sent; one that HTTP defines.
        path: Of the target, still percent-encoded, without the query.
        query: The part after `?`, still percent-encoded.
        headers: All header fields.
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
    """A response; the server adds the fields of the connection.

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
    """A response that waits for a future; no thread blocks.

    Attributes:
        future: Done by any thread.
        render: Called once when the future is done, on the event
            loop's thread; must not block or raise.
        late: Returns the response when the future is not done in
            time.
        timeout_s: Seconds that the future may take.
    """

    future: "Future[object]"
    render: Callable[[], Response]
    late: Callable[[], Response]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class WouldBlock:
    """The request needs the store: run it again with `may_block`."""


@dataclass(frozen=True, slots=True)
class ResumeOnLoop:
    """What is left to do on the event loop's thread.

    A thread that has waited for the store returns it. The event loop
    does the rest unless the request was answered meanwhile: whoever got
    a 503 without a message id must not find a message in the log.

    Attributes:
        run: Does the rest; must not block or raise.
    """

    run: "Callable[[], Response | DeferredResponse]"


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """The rest of a login whose attempt is permitted.

    Exactly one of the two functions is called, once.

    Attributes:
        run: Compares the password, on a HASHING thread; never raises.
        abandon: Gives the attempt's place back: the client is gone, or
            the queue is full.
    """

    run: Callable[[], Response]
    abandon: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Admission:
    """A request whose body may be read.

    Path, method, token, and the body's length and type are in order, so
    a declared length is at most 64 KiB.

    Attributes:
        head: The request's head.
        template: The route's path with parameter names, for the access
            log.
        mode: Which thread runs it.
        endpoint: The route, as the application knows it.
        parameters: The path's parameters, percent-decoded.
        principal: The caller, None on a route without a token.
        client: The client's address, found through trusted proxies.
    """

    head: Head
    template: str
    mode: ExecutionMode
    endpoint: object
    parameters: Mapping[str, str] = field(default_factory=dict)
    principal: Principal | None = None
    client: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is answered without reading its body.

    Attributes:
        response: The response.
        template: The route's path where it is known, `unmatched`
            otherwise, for the access log.
        parameters: The path's parameters where its route is known,
            percent-decoded.
    """

    response: Response
    template: str
    parameters: Mapping[str, str] = field(default_factory=dict)


Outcome = Response | DeferredResponse | WouldBlock | ResumeOnLoop | PasswordCheck


class Application(Protocol):
    """What the server calls; nothing but `run` may block."""

    def admit(self, head: Head) -> Admission | Refusal:
        """Decide from the head alone whether to read the body.

        Checked in this order: host, path, method, token, the body's
        length and media type.

        Args:
            head: The request's head.

        Returns:
            The permission to read the body, or the response.
        """
        ...

    def run(self, admission: Admission, body: bytes, may_block: bool) -> Outcome:
        """Run a request; never raises.

        Args:
            admission: What `admit` returned.
            body: The whole body, at most 64 KiB.
            may_block: False on the event loop's thread.

        Returns:
            The response, now or later; WouldBlock and PasswordCheck
            only when `may_block` is False, ResumeOnLoop only when it is
            True.
        """
        ...

    def report(self, at_once: bool) -> None:
        """Write the log lines that sum up repetitions; never raises.

        Called several times a second.

        Args:
            at_once: Whether the process is about to end, so that what
                is not complete is written too.
        """
        ...

    def late(self, admission: Admission) -> Response:
        """Answer a request whose thread did not finish in time.

        Args:
            admission: What `admit` returned.

        Returns:
            503 `store_unavailable`; `overloaded` for HASHING; the state
            of the checks for HEALTH.
        """
        ...

    def refuse(self, code: Code, detail: str, trace_id: str) -> Response:
        """Render an error that the server itself found.

        Args:
            code: Such as `malformed_request`.
            detail: What is wrong, and what is allowed.
            trace_id: The request's trace id.

        Returns:
            The problem document with its status.
        """
        ...
