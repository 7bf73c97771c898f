import socket
from collections.abc import Iterator

import pytest

from angarium.api.transport.outbox import SendBuffer

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
