"""What docs/http.md says of HTTP itself: for services that are reached
over a socket.
"""

import io
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import cast
from urllib.parse import urlsplit

import pytest

from tests.contract.http.client import Person
from tests.contract.http.services import WITHOUT_SERVERS, Service, opened_talk, started

TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Received:
    status: int
    code: object
    document: dict[str, object]
    closes: bool


class Reading(io.BufferedReader):
    """What arrives on a connection; it outlives each answer that is
    read from it.
    """

    def close(self) -> None:
        """Stay open: an answer closes what it was read from."""


class Wire:
    """One connection, byte for byte."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port), TIMEOUT)
        self._reading = Reading(socket.SocketIO(self._socket, "rb"))

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return self._reading

    def send(self, *pieces: str | bytes) -> None:
        for piece in pieces:
            self._socket.sendall(piece.encode("latin-1") if isinstance(piece, str) else piece)

    def interim(self) -> bytes:
        """Read an interim answer: its line, and the empty one behind
        it.
        """
        line = self._reading.readline()
        assert self._reading.readline() == b"\r\n"
        return line

    def answer(self) -> Received:
        response = HTTPResponse(cast("socket.socket", self))
        response.begin()
        body = response.read()
        document = cast("dict[str, object]", json.loads(body)) if body else {}
        return Received(response.status, document.get("code"), document, response.will_close)

    def is_closed(self) -> bool:
        """Wait until the other end closed the connection."""
        try:
            return self._reading.read(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        io.BufferedReader.close(self._reading)
        self._socket.close()


@pytest.fixture(scope="module", params=WITHOUT_SERVERS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    with started(request, tmp_path_factory) as running:
        yield running


@pytest.fixture
def wire(served: Service) -> Iterator[Wire]:
    connection = Wire(served.url)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def message(served: Service) -> bytes:
    """A message that can be sent."""
    talk = opened_talk(served, "wire-one", "wire-other")
    return json.dumps({"conversation_id": talk.conversation_id, "content": "ü"}).encode()


@pytest.fixture(scope="module")
def caller(served: Service) -> Person:
    return served.person("wire-one")


def head(caller: Person, *fields: str, target: str = "/v1/messages", method: str = "POST") -> str:
    lines = [
        f"{method} {target} HTTP/1.1",
        "Host: angarium",
        f"Authorization: Bearer {caller.token}",
        *fields,
    ]
    return "\r\n".join(lines) + "\r\n\r\n"


def test_a_connection_is_kept_for_the_next_request(
    wire: Wire, caller: Person, message: bytes
) -> None:
    for _ in range(3):
        wire.send(head(caller, f"Content-Length: {len(message)}"), message)
        assert wire.answer().status == 202


def test_pipelined_requests_are_answered_in_order(
    wire: Wire, caller: Person, message: bytes
) -> None:
    wire.send(
        head(caller, f"Content-Length: {len(message)}").encode() + message,
        head(caller, method="GET", target="/v1/nowhere"),
        head(caller, method="GET", target="/v1/users/me"),
    )
    assert [wire.answer().status for _ in range(3)] == [202, 404, 200]


def test_close_closes(wire: Wire, caller: Person) -> None:
    wire.send(head(caller, "Connection: close", method="GET", target="/v1/users/me"))
    assert wire.answer().closes
    assert wire.is_closed()


def test_a_client_that_expects_leave_gets_it(wire: Wire, caller: Person, message: bytes) -> None:
    wire.send(head(caller, f"Content-Length: {len(message)}", "Expect: 100-continue"))
    assert wire.interim().startswith(b"HTTP/1.1 100 ")
    wire.send(message)
    assert wire.answer().status == 202


def test_a_client_that_would_send_in_vain_gets_no_leave(wire: Wire, message: bytes) -> None:
    wire.send("POST /v1/messages HTTP/1.1\r\nHost: a\r\n")
    wire.send(f"Content-Length: {len(message)}\r\nExpect: 100-continue\r\n\r\n")
    assert wire.answer().code == "missing_token"


def test_any_other_expectation_is_417(wire: Wire, caller: Person) -> None:
    wire.send(head(caller, "Content-Length: 2", "Expect: a-miracle"))
    received = wire.answer()
    assert (received.status, received.code) == (417, "expectation_failed")


def test_a_chunked_body_is_read_like_any_other(wire: Wire, caller: Person, message: bytes) -> None:
    wire.send(head(caller, "Transfer-Encoding: chunked"))
    for place in range(0, len(message), 7):
        piece = message[place : place + 7]
        wire.send(f"{len(piece):X}\r\n".encode() + piece + b"\r\n")
    wire.send("0\r\n\r\n")
    assert wire.answer().status == 202


def test_a_chunked_body_over_64_kib_is_413(wire: Wire, caller: Person) -> None:
    wire.send(head(caller, "Transfer-Encoding: chunked"), "10001\r\n")
    received = wire.answer()
    assert (received.status, received.code) == (413, "body_too_large")


def test_a_body_that_is_too_large_is_answered_without_reading_it(
    wire: Wire, caller: Person
) -> None:
    wire.send(head(caller, "Content-Length: 100000000000000000000000"))
    received = wire.answer()
    assert (received.status, received.code) == (413, "body_too_large")


@pytest.mark.parametrize(
    "fields",
    [
        ["Content-Length: 2", "Content-Length: 2"],
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: 2, 2"],
        ["Content-Length: +2"],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding : chunked"],
        ["Content-Length: 2\rX: y"],
        [" Content-Length: 2"],
    ],
)
def test_a_smuggling_shape_is_refused_and_the_connection_closed(
    wire: Wire, caller: Person, fields: list[str]
) -> None:
    # In one piece: the balancer closes as soon as it has seen the head,
    # and what comes later may take its answer away.
    wire.send(head(caller, *fields) + "{}")
    received = wire.answer()
    assert (received.status, received.code) == (400, "malformed_request")
    assert received.closes
    assert wire.is_closed()


@pytest.mark.parametrize(
    "chunk", ["x\r\n{}\r\n0\r\n\r\n", "2\n{}\r\n0\r\n\r\n", "2\r\n{}}\r\n0\r\n\r\n", "-2\r\n"]
)
def test_bad_chunking_is_refused_and_the_connection_closed(
    wire: Wire, caller: Person, chunk: str
) -> None:
    wire.send(head(caller, "Transfer-Encoding: chunked"), chunk)
    received = wire.answer()
    assert (received.status, received.code) == (400, "malformed_request")
    assert wire.is_closed()


def test_a_method_that_http_does_not_know_is_501(wire: Wire, caller: Person) -> None:
    wire.send(head(caller, method="BREW"))
    received = wire.answer()
    assert (received.status, received.code) == (501, "not_implemented")


def test_a_target_that_is_too_long_is_414(wire: Wire, caller: Person) -> None:
    wire.send(f"GET /{'x' * 100_000}")
    received = wire.answer()
    assert (received.status, received.code) == (414, "uri_too_long")


def test_header_fields_that_are_too_large_are_431(wire: Wire, caller: Person) -> None:
    wire.send(f"GET /v1/users/me HTTP/1.1\r\nHost: a\r\nX: {'x' * 100_000}")
    received = wire.answer()
    assert (received.status, received.code) == (431, "headers_too_large")


def test_a_fault_of_the_wire_carries_a_trace_id_too(wire: Wire) -> None:
    wire.send("GET\r\n\r\n")
    received = wire.answer()
    assert received.code == "malformed_request"
    assert len(str(received.document["trace_id"])) == 32
