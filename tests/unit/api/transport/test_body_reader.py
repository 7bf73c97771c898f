import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.api.interface import MAX_BODY_BYTES
from angarium.api.transport.body_reader import MAX_CHUNK_LINE, ChunkedBody, SizedBody
from angarium.api.transport.http_parser import MAX_FIELDS, MAX_HEADERS, HttpError
from angarium.domain.errors import Code


def taken(data: bytes) -> tuple[bytes, bytes] | None:
    """The body and what follows it, None while it is not all there."""
    body = ChunkedBody()
    at = body.take(data, 0)
    while body.has_more:
        at = body.take(data, at)
    return (body.content(), data[at:]) if body.done else None


def refused(data: bytes) -> Code:
    with pytest.raises(HttpError) as caught:
        taken(data)
    return caught.value.code


def test_a_sized_body_ends_where_its_length_says() -> None:
    body = SizedBody(5)
    assert body.take(b"xxhel", 2) == 5
    assert not body.done
    assert body.take(b"lonext", 0) == 2
    assert body.done
    assert body.content() == b"hello"


def test_chunks_are_put_together() -> None:
    assert taken(b"5\r\nhello\r\n1\r\n \r\n5\r\nworld\r\n0\r\n\r\nGET") == (b"hello world", b"GET")


def test_tiny_chunks_are_taken_some_at_a_time() -> None:
    """All of them at once would keep the event loop for 30 ms."""
    data = b"1\r\na\r\n" * 1_000 + b"0\r\n\r\n"
    body = ChunkedBody()
    at, takes = body.take(data, 0), 1
    while body.has_more:
        assert at < len(data)
        at, takes = body.take(data, at), takes + 1
    assert body.done
    assert body.content() == b"a" * 1_000
    assert takes > 10


def test_a_body_that_needs_more_bytes_has_no_more_to_take() -> None:
    body = ChunkedBody()
    body.take(b"5\r\nhel", 0)
    assert not body.done
    assert not body.has_more


def test_sizes_are_hexadecimal_in_either_case() -> None:
    assert taken(b"a\r\n0123456789\r\n000A\r\n0123456789\r\n0\r\n\r\n") == (b"0123456789" * 2, b"")


def test_extensions_are_discarded() -> None:
    assert taken(b'2;a=b;c="d;e"\r\nhi\r\n1 ; x\r\n!\r\n0;end\r\n\r\n') == (b"hi!", b"")


def test_trailers_are_discarded() -> None:
    assert taken(b"2\r\nhi\r\n0\r\nX-Sum: 1\r\nContent-Length: 99\r\n\r\nGET") == (b"hi", b"GET")


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"g\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b"0x1\r\n",
        b" 1\r\n",
        b"1 \r\n",
        b"1_0\r\n",
        b"1\xb2\r\n",
        b"2\nhi\r\n0\r\n\r\n",
        b"\n",
        b"2\r\r\nhi",
        b"2;a\rb\r\nhi\r\n",
        b"2;a\0\r\nhi\r\n",
        b"2\r\nhi0\r\n\r\n",
        b"2\r\nhi\n0\r\n\r\n",
        b"2\r\nhi\rx",
        b"2\r\nhii\r\n",
        b"1" * 17 + b"\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n folded: a\r\n\r\n",
        b"0\r\nA : b\r\n\r\n",
        b"0\r\nA: b\n\r\n",
        b"0\r\nA: \0\r\n\r\n",
        b"0\r\n\n",
        b"1;" + b"a" * MAX_CHUNK_LINE,
    ],
)
def test_a_chunk_that_can_be_read_in_two_ways_is_malformed(data: bytes) -> None:
    assert refused(data) is Code.MALFORMED_REQUEST


def chunks(size: int) -> bytes:
    return f"{size:x}\r\n".encode() + b"x" * size + b"\r\n0\r\n\r\n"


def test_a_body_may_have_64_kib_and_not_a_byte_more() -> None:
    found = taken(chunks(MAX_BODY_BYTES))
    assert found is not None
    assert len(found[0]) == MAX_BODY_BYTES
    assert refused(chunks(MAX_BODY_BYTES + 1)) is Code.BODY_TOO_LARGE
    assert refused(b"8000\r\n" + b"x" * 0x8000 + b"\r\n8001\r\n") is Code.BODY_TOO_LARGE
    assert refused(b"f" * 16 + b"\r\n") is Code.BODY_TOO_LARGE


def test_extensions_and_trailers_are_bounded() -> None:
    extended = b"1;" + b"a" * 1000 + b"\r\nx\r\n"
    assert refused(extended * 17) is Code.HEADERS_TOO_LARGE
    assert refused(b"0\r\n" + b"A: b\r\n" * (MAX_FIELDS + 1)) is Code.HEADERS_TOO_LARGE
    assert refused(b"0\r\n" + (b"A: " + b"b" * 1000 + b"\r\n") * 17) is Code.HEADERS_TOO_LARGE
    assert refused(b"0\r\nA: " + b"b" * (MAX_HEADERS + 2)) is Code.HEADERS_TOO_LARGE


WHOLE = b"5;a=b\r\nhello\r\n1\r\n \r\n0\r\nX: y\r\n\r\n"


def test_a_body_that_is_not_all_there_is_no_fault() -> None:
    assert all(taken(WHOLE[:length]) is None for length in range(len(WHOLE)))


Outcome = bytes | Code | None
PIECES = [b"\r\n", b"\r", b"\n", b"0", b"1", b"5", b";a", b"hello", b"x", b" ", b"A: b", b"\0"]


def outcome(data: bytes, cuts: list[int]) -> tuple[Outcome, int]:
    """What comes of the bytes when they arrive cut, and how many were
    left when that was known.
    """
    body = ChunkedBody()
    rest = b""
    start = 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        rest += data[start:cut]
        start = cut
        try:
            rest = rest[body.take(rest, 0) :]
        except HttpError as error:
            return error.code, 0
        if body.done:
            return body.content(), len(rest) + len(data) - cut
    return None, 0


@given(
    st.one_of(
        st.binary(max_size=40), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)
    ),
    st.lists(st.integers(0, 200), max_size=6),
)
def test_however_chunks_are_cut_the_outcome_is_the_same(data: bytes, cuts: list[int]) -> None:
    assert outcome(data, cuts) == outcome(data, [])


@given(
    st.lists(st.binary(min_size=1, max_size=30), max_size=8),
    st.lists(st.integers(0, 400), max_size=6),
)
def test_what_is_sent_in_chunks_comes_back_whole(parts: list[bytes], cuts: list[int]) -> None:
    encoded = (
        b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts) + b"0\r\n\r\n"
    )
    assert outcome(encoded, cuts) == (b"".join(parts), 0)
