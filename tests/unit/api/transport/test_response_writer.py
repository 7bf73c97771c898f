import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.api.interface import Response
from angarium.api.transport.response_writer import ResponseEncoder, SendBuffer
from tests.fakes.clock import ManualClock

ID = "0af7651916cd43dd8448eb211c80319c"


def lines(response: Response, connection: str | None = None, with_body: bool = True) -> list[str]:
    encoded = ResponseEncoder(ManualClock()).encode(response, ID, connection, with_body)
    return encoded.decode("latin-1").split("\r\n")


def test_a_response_has_its_status_its_fields_and_its_body() -> None:
    response = Response(201, b"{}", headers=(("Location", "/a"), ("Vary", "B")))
    assert lines(response) == [
        "HTTP/1.1 201 Created",
        "Server: angarium",
        "Date: Tue, 14 Nov 2023 22:13:20 GMT",
        f"X-Trace-Id: {ID}",
        "Content-Type: application/json",
        "Content-Length: 2",
        "Location: /a",
        "Vary: B",
        "",
        "{}",
    ]


def test_the_answer_to_head_tells_the_length_of_a_body_that_it_leaves_out() -> None:
    assert lines(Response(200, b"{}"), with_body=False)[-3:] == ["Content-Length: 2", "", ""]


def test_an_empty_body_has_no_type() -> None:
    assert lines(Response(200))[3:] == [f"X-Trace-Id: {ID}", "Content-Length: 0", "", ""]


def test_a_204_has_no_length() -> None:
    assert lines(Response(204))[3:] == [f"X-Trace-Id: {ID}", "", ""]


@pytest.mark.parametrize("connection", ["close", "keep-alive"])
def test_the_connections_fate_is_told(connection: str) -> None:
    assert f"Connection: {connection}" in lines(Response(200), connection)


def test_the_date_follows_the_clock() -> None:
    clock = ManualClock()
    encoder = ResponseEncoder(clock)
    first = encoder.encode(Response(200), ID, None, True)
    clock.advance(1)
    assert b"22:13:20" in first
    assert b"22:13:21" in encoder.encode(Response(200), ID, None, True)


def test_an_unknown_status_has_no_phrase() -> None:
    assert lines(Response(299))[0] == "HTTP/1.1 299 "


@given(st.text())
def test_no_value_can_begin_another_field(value: str) -> None:
    encoded = ResponseEncoder(ManualClock()).encode(
        Response(200, headers=(("A", value),)), ID, None, True
    )
    head, _, rest = encoded.partition(b"\r\n\r\n")
    assert rest == b""
    assert head.count(b"\r") == head.count(b"\n") == head.count(b"\r\n") == 5
    assert b"\0" not in head


Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    near, far = socket.socketpair()
    near.setblocking(False)
    far.setblocking(False)
    yield near, far
    near.close()
    far.close()


def test_several_parts_leave_in_one_write(pair: Pair) -> None:
    near, far = pair
    outbox = SendBuffer()
    outbox.add(b"one")
    outbox.add(b"two")
    assert outbox.held == 6
    assert outbox.flush(near) == 6
    assert outbox.held == 0
    assert far.recv(100) == b"onetwo"
    assert outbox.flush(near) == 0
    assert not outbox.blocked


def test_what_a_full_socket_does_not_take_is_kept_and_sent_in_order(pair: Pair) -> None:
    near, far = pair
    outbox = SendBuffer()
    whole = bytes(range(256)) * 8192
    outbox.add(whole)
    sent = outbox.flush(near)
    assert 0 < sent < len(whole)
    assert outbox.blocked
    assert outbox.held == len(whole), "an answer is kept as a whole"
    outbox.add(b"the end")
    assert outbox.flush(near) == 0
    assert outbox.held == len(whole) - sent + 7
    received = b""
    while outbox.blocked:
        received += far.recv(1 << 20)
        outbox.flush(near)
    while len(received) < len(whole) + 7:
        received += far.recv(1 << 20)
    assert received == whole + b"the end"
    assert outbox.held == 0


def test_a_broken_connection_is_told(pair: Pair) -> None:
    near, far = pair
    far.close()
    outbox = SendBuffer()
    outbox.add(b"x")
    with pytest.raises(OSError):
        outbox.flush(near)
