import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.api.transport.head_cache import HeadCache
from angarium.api.transport.http_parser import HttpError
from angarium.api.transport.request_framing import CHUNKED
from angarium.api.transport.request_reader import RequestReader

GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
SIZED = b"POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = (
    b"POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"2\r\nhi\r\n0\r\nX: y\r\n\r\n"
)
BAD = b"POST /d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"

Event = tuple[str, object]


class Reading:
    """Reads request after request, as a connection does."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._reader = RequestReader(HeadCache())
        self._in_body = False
        self._over = False

    def receive(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while not self._over and self._step():
                pass
        except HttpError as error:
            self.events.append(("error", (error.code, error.detail)))
            self._over = True

    def _step(self) -> bool:
        if self._in_body:
            body = self._reader.body()
        else:
            head = self._reader.head()
            if head is None:
                return False
            self.events.append(("head", head.request[:5]))
            self._in_body = True
            body = self._reader.expect_body(head.framing().length)
        if body is None:
            return False
        self.events.append(("body", body))
        self._in_body = False
        return True


def read(data: bytes, cuts: list[int]) -> list[Event]:
    reading = Reading()
    start = 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        reading.receive(data[start:cut])
        start = cut
    return reading.events


def test_requests_that_come_at_once_are_read_one_after_the_other() -> None:
    events = read(GET + SIZED + CHUNKS + GET, [])
    assert [event for kind, event in events if kind == "body"] == [b"", b"hello", b"hi", b""]
    assert len(events) == 8


def test_one_empty_line_before_a_request_is_passed_over() -> None:
    assert [kind for kind, _ in read(b"\r\n" + GET + b"\r\n" + SIZED, [])] == ["head", "body"] * 2


@pytest.mark.parametrize("data", [b"\r\n\r\n" + GET, b"\r\n\r\n\r\n"])
def test_two_empty_lines_are_no_request(data: bytes) -> None:
    assert [kind for kind, _ in read(data, [])] == ["error"]


def test_an_empty_line_waits_for_nothing_to_be_read() -> None:
    reader = RequestReader(HeadCache())
    reader.feed(SIZED + b"\r\n")
    assert reader.head() is not None
    assert reader.expect_body(5) == b"hello"
    assert reader.head() is None
    assert reader.pending == 0


def test_what_was_read_is_let_go() -> None:
    reader = RequestReader(HeadCache())
    reader.feed(SIZED + SIZED[:-2])
    assert reader.head() is not None
    assert reader.expect_body(5) == b"hello"
    assert reader.trim() == 2 * len(SIZED) - 2
    assert reader.head() is not None
    assert reader.expect_body(5) is None
    assert reader.trim() == 3
    reader.feed(b"lo")
    assert reader.body() == b"hello"
    assert reader.trim() == 0


def test_pending_bytes_are_those_that_belong_to_nothing_given_yet() -> None:
    reader = RequestReader(HeadCache())
    reader.feed(GET + b"GET")
    assert reader.head() is not None
    assert reader.pending == 3
    reader.feed(b" ")
    assert reader.pending == 4


def test_a_chunked_body_is_read_when_it_is_here_already() -> None:
    reader = RequestReader(HeadCache())
    reader.feed(b"0\r\n\r\n")
    assert reader.expect_body(CHUNKED) == b""


@given(
    st.lists(
        st.sampled_from([GET, SIZED, CHUNKS, BAD, b"\r\n", b"\n", b"GET", b"\0"]), max_size=5
    ).map(b"".join),
    st.lists(st.integers(0, 400), max_size=10),
)
def test_however_requests_are_cut_they_read_the_same(data: bytes, cuts: list[int]) -> None:
    assert read(data, cuts) == read(data, [])


@given(st.lists(st.sampled_from([GET, SIZED, CHUNKS]), min_size=1, max_size=3).map(b"".join))
def test_requests_that_come_byte_by_byte_read_the_same(data: bytes) -> None:
    assert read(data, list(range(len(data)))) == read(data, [])
