"""docs/http.md, "Browsers"."""

from collections.abc import Iterator

import pytest

from angarium.api.application import MessagingApplication
from angarium.api.cors import CorsPolicy
from angarium.api.host_check import HostCheck
from angarium.api.routes import ROUTES, TABLE, Route
from angarium.api.transport.limits import ServerLimits
from angarium.api.transport.server import Server
from angarium.clock import SystemClock
from tests.contract.http.parts import application
from tests.contract.http.services import memory_parts
from tests.contract.http.test_every_response import name_of, path_of
from tests.fakes.raw_client import Answer, RawClient, get, post, request
from tests.fakes.serving import Running

PAGE = "https://chat.example.org"
OTHER_PAGE = "https://chat.example.org.evil.example"


def running(served: MessagingApplication, cors: CorsPolicy | None = None) -> Iterator[str]:
    limits = ServerLimits(request_timeout_s=0.5)
    server = Running(Server(("127.0.0.1", 0), served, limits, SystemClock(), cors))
    try:
        yield server.url
    finally:
        server.end()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A service with demo users that two pages may call."""
    cors = CorsPolicy([PAGE, "http://localhost:3000"])
    hosts = HostCheck(["127.0.0.1"], ["chat.example.org"])
    yield from running(application(memory_parts(), hosts=hosts, cors=cors), cors)


@pytest.fixture(scope="module")
def closed_url() -> Iterator[str]:
    """A service that no page may call."""
    yield from running(application(memory_parts()))


def asked(url: str, data: bytes) -> Answer:
    with RawClient(url) as client:
        return client.ask(data)


def from_page(origin: str, method: str = "GET", path: str = "/health/live", *fields: str) -> bytes:
    return request(method, path, f"Origin: {origin}", *fields)


def sent_to(host: str, path: str = "/health/live", *fields: str) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *fields, "", ""]
    return "\r\n".join(lines).encode()


def assert_allowed(answer: Answer, origin: str = PAGE) -> None:
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-expose-headers"] == "X-Trace-Id, Location, Retry-After"
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


REST = b" HTTP/1.1\r\nHost: localhost\r\nOrigin: " + PAGE.encode() + b"\r\n"
WIRE_ERRORS = {
    "malformed_request": b"GET /" + REST + b"A : b\r\n\r\n",
    "not_implemented": b"FETCH /" + REST + b"\r\n",
    "expectation_failed": b"POST /" + REST + b"Content-Length: 1\r\nExpect: x\r\n\r\n",
    "uri_too_long": b"GET /" + b"x" * 8192 + REST + b"\r\n",
    "headers_too_large": b"GET /" + REST + b"A: " + b"x" * 16384 + b"\r\n\r\n",
    "request_timeout": b"GET /" + REST + b"A: b",
}


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:3000"])
def test_a_listed_page_may_read_every_answer(url: str, origin: str) -> None:
    for path in ("/health/live", "/openapi.json", "/problems"):
        answer = asked(url, from_page(origin, path=path))
        assert answer.status == 200
        assert_allowed(answer, origin)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (from_page(PAGE, path="/nowhere"), "not_found"),
        (from_page(PAGE, "DELETE", "/v1/inbox"), "method_not_allowed"),
        (from_page(PAGE, path="/v1/inbox"), "missing_token"),
        (from_page(PAGE, "POST", "/auth/token"), "length_required"),
        (post("/auth/token", b"{", f"Origin: {PAGE}"), "malformed_json"),
        (
            post("/auth/token", b'{"username":"a","password":"b"}', f"Origin: {PAGE}"),
            "invalid_credentials",
        ),
        (from_page(PAGE, "POST", "/auth/token", "Content-Length: 99999"), "body_too_large"),
        (sent_to("evil.example", "/v1/inbox", f"Origin: {PAGE}"), "misdirected_request"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_errors_too(url: str, data: bytes, code: str) -> None:
    answer = asked(url, data)
    assert answer.code == code
    assert_allowed(answer)


@pytest.mark.parametrize("code", WIRE_ERRORS)
def test_errors_of_the_wire_too(url: str, code: str) -> None:
    answer = asked(url, WIRE_ERRORS[code])
    assert answer.code == code
    if code == "uri_too_long":
        # Its head may be given up before the origin has come.
        assert answer.headers["vary"] == "Origin"
    else:
        assert_allowed(answer)


OTHERS = [
    OTHER_PAGE,
    "http://chat.example.org",
    f"{PAGE}:8443",
    f"{PAGE}/",
    "null",
    "*",
    "",
    PAGE.upper(),
]


@pytest.mark.parametrize("origin", OTHERS)
def test_any_other_page_gets_nothing_but_vary(url: str, origin: str) -> None:
    for method, path in (("GET", "/health/live"), ("GET", "/nowhere"), ("OPTIONS", "/v1/inbox")):
        answer = asked(url, from_page(origin, method, path))
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["vary"] == "Origin"


def test_two_origins_are_nobodys(url: str) -> None:
    answer = asked(url, get("/health/live", f"Origin: {PAGE}", f"Origin: {PAGE}"))
    assert "access-control-allow-origin" not in answer.headers


def test_a_permission_is_not_left_for_the_next_request_of_the_connection(url: str) -> None:
    with RawClient(url) as client:
        assert_allowed(client.ask(from_page(PAGE)))
        assert "access-control-allow-origin" not in client.ask(get("/health/live")).headers


@pytest.mark.parametrize("route", ROUTES, ids=name_of)
def test_a_preflight_tells_what_a_page_may_send(url: str, route: Route) -> None:
    path = path_of(route)
    wanted = "Access-Control-Request-Headers: authorization, content-type"
    asks = f"Access-Control-Request-Method: {route.method}"
    answer = asked(url, from_page(PAGE, "OPTIONS", path, asks, wanted))
    assert answer.status == 204
    assert answer.body == b""
    assert_allowed(answer)
    matched = TABLE.match(path.partition("?")[0])
    assert matched is not None
    assert (
        answer.headers["access-control-allow-methods"]
        == answer.headers["allow"]
        == matched[0].allow
    )
    assert answer.headers["access-control-allow-headers"] == (
        "authorization, content-type, idempotency-key, traceparent, x-trace-id"
    )
    assert answer.headers["access-control-max-age"] == "600"


def test_without_the_setting_no_page_gets_anything(closed_url: str) -> None:
    for data in (from_page(PAGE), from_page(PAGE, "OPTIONS", "/v1/inbox")):
        answer = asked(closed_url, data)
        assert answer.status in (200, 204)
        assert not [
            name for name in answer.headers if name.startswith("access-control-") or name == "vary"
        ]


@pytest.mark.parametrize(
    "path", ["/health/live", "/v1/inbox", "/nowhere", "/openapi.json", "/auth/token/"]
)
def test_a_request_to_another_host_is_421_before_the_path_is_looked_at(
    url: str, path: str
) -> None:
    answer = asked(url, sent_to("evil.example:8080", path))
    assert (answer.status, answer.code) == (421, "misdirected_request")
    assert b"evil.example" in answer.body
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_wire_comes_before_the_host(url: str) -> None:
    data = b"GET / HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n\r\n"
    assert asked(url, data).code == "malformed_request"


def test_options_to_another_host_is_421_too(url: str) -> None:
    data = b"OPTIONS * HTTP/1.1\r\nHost: evil.example\r\n\r\n"
    assert asked(url, data).code == "misdirected_request"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:8080", "chat.example.org"])
def test_its_own_hosts_are_answered_with_any_port(url: str, host: str) -> None:
    assert asked(url, sent_to(host)).status == 200


def test_a_connection_lives_on_after_a_421(url: str) -> None:
    with RawClient(url) as client:
        assert client.ask(sent_to("evil.example")).status == 421
        assert client.ask(get("/health/live")).status == 200


def test_with_users_of_ones_own_any_host_is_answered(closed_url: str) -> None:
    assert asked(closed_url, sent_to("anything.example")).status == 200
