"""Frames come whole out of whatever pieces a socket gives, and it gives
one piece at a time.
"""

import ssl
from collections.abc import Sequence
from io import BytesIO
from random import Random

import pytest
from cassandra.connection import _ConnectionIOBuffer, frame_header_v3, segment_codec_no_compression

from angarium.engines.cassandra.patches.bounded_connection import (
    ON_LIBEV,
    READ_BYTES,
    BoundedConnection,
)

READABLE, BROKEN = 1, 0x80000000
SIZES = (0, 9, 131_071 - 9, 131_071, 700_000)

pytestmark = pytest.mark.skipif(not ON_LIBEV, reason="the driver has another event loop here")


class Peer:
    """A socket that gives what it has in pieces."""

    def __init__(self, data: bytes, pieces: Sequence[int] = ()) -> None:
        self.data = data
        self.pieces = list(pieces)
        self.most = 0
        self.failure: OSError | None = None

    def recv_into(self, buffer: memoryview) -> int:
        if self.failure is not None:
            raise self.failure
        size = min(
            len(buffer), len(self.data), self.pieces.pop(0) if self.pieces else len(self.data)
        )
        buffer[:size], self.data = self.data[:size], self.data[size:]
        self.most = max(self.most, size)
        return size


class Connection(BoundedConnection):  # type: ignore[misc, valid-type]
    """A connection that was made, without an event loop."""

    def __init__(self, peer: Peer) -> None:
        self._socket = peer
        self._io_buffer = _ConnectionIOBuffer(self)
        self._is_checksumming_enabled = True
        self._segment_codec = segment_codec_no_compression
        self._io_buffer.set_checksumming_buffer()
        self.bodies: list[bytes] = []
        self.failures: list[BaseException] = []
        self.most_held = 0

    def process_msg(self, _header: object, body: bytes) -> None:
        self.bodies.append(body)

    def process_io_buffer(self) -> None:
        self.most_held = max(self.most_held, self._iobuf.getbuffer().nbytes)
        super().process_io_buffer()

    def defunct(self, error: BaseException) -> None:
        self.failures.append(error)

    def close(self) -> None:
        self.is_closed = True


def frames(bodies: Sequence[bytes]) -> bytes:
    """Write bodies as a node does, the small ones by themselves."""
    written = BytesIO()
    for body in bodies:
        frame = b"\x85" + frame_header_v3.pack(0, 1, 8, len(body)) + body
        segment_codec_no_compression.encode(written, frame)
    return written.getvalue()


BODIES = [bytes([number]) * size for number, size in enumerate(SIZES)]


def read_all(connection: Connection, peer: Peer) -> None:
    while peer.data:
        connection.handle_read(None, READABLE)


@pytest.mark.parametrize("seed", range(5))
def test_what_is_cut_anywhere_comes_whole(seed: int) -> None:
    random = Random(seed)
    peer = Peer(
        frames(BODIES), [random.choice((1, 2, 5, 6, 7, 9, 10, 60_000)) for _ in range(100)]
    )
    connection = Connection(peer)
    read_all(connection, peer)
    assert connection.failures == []
    assert connection.bodies == BODIES


@pytest.mark.parametrize("kept", range(1, 12))
def test_the_first_bytes_of_a_piece_are_not_forgotten(kept: int) -> None:
    first, second = frames([b"a" * 100]), frames([b"b" * 100])
    peer = Peer(first + second, [len(first) + kept])
    connection = Connection(peer)
    read_all(connection, peer)
    assert connection.failures == []
    assert connection.bodies == [b"a" * 100, b"b" * 100]


def test_no_more_is_taken_at_a_time_than_is_looked_at() -> None:
    many = [b"x" * 1_000_000] * 20
    peer = Peer(frames(many))
    connection = Connection(peer)
    read_all(connection, peer)
    assert connection.bodies == many
    assert peer.most == READ_BYTES
    assert connection.most_held <= 2 * READ_BYTES


def test_the_end_closes_it() -> None:
    connection = Connection(Peer(b""))
    connection.handle_read(None, READABLE)
    assert connection.is_closed


@pytest.mark.parametrize(
    "nothing_yet", [BlockingIOError(), InterruptedError(), ssl.SSLWantReadError()]
)
def test_when_there_is_nothing_yet_it_waits(nothing_yet: OSError) -> None:
    peer = Peer(b"")
    peer.failure = nothing_yet
    connection = Connection(peer)
    connection.handle_read(None, READABLE)
    assert connection.failures == []
    assert not connection.is_closed


def test_a_broken_socket_and_a_broken_loop_are_told() -> None:
    peer = Peer(b"")
    peer.failure = ConnectionResetError("gone")
    connection = Connection(peer)
    connection.handle_read(None, READABLE)
    connection.handle_read(None, READABLE | BROKEN)
    assert [type(each) for each in connection.failures] == [ConnectionResetError, Exception]
