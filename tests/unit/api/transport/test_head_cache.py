import pytest

from angarium.api.transport.head_cache import MAX_HEAD_BYTES, HeadCache
from angarium.api.transport.http_parser import HttpError

AMBIGUOUS = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2"


def head(path: str, padding: int = 0) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nA: {'a' * padding}".encode()


def test_a_head_that_repeats_itself_is_given_again() -> None:
    heads = HeadCache()
    first, other, again = heads.read(head("/a")), heads.read(head("/b")), heads.read(head("/a"))
    assert again is first
    assert (first.request.path, other.request.path) == ("/a", "/b")
    assert first.framing() is again.framing()
    assert first.framing().length == 5


def test_heads_are_forgotten_in_the_order_in_which_they_came() -> None:
    heads = HeadCache(2)
    first, second = heads.read(head("/1")), heads.read(head("/2"))
    heads.read(head("/3"))
    assert heads.read(head("/2")) is second
    assert heads.read(head("/1")) is not first


def test_a_large_head_is_not_kept() -> None:
    heads = HeadCache()
    large = head("/a", MAX_HEAD_BYTES)
    assert heads.read(large) is not heads.read(large)
    assert heads.read(large).request[:5] == heads.read(large).request[:5]


def test_what_cannot_be_read_is_refused_every_time() -> None:
    heads = HeadCache()
    for _ in range(2):
        with pytest.raises(HttpError):
            heads.read(b"GET /a")
        with pytest.raises(HttpError):
            heads.read(AMBIGUOUS).framing()
