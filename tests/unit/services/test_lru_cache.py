from hypothesis import given
from hypothesis import strategies as st

from angarium.services.lru_cache import LruCache


def test_what_was_put_is_found() -> None:
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    assert cache.get("a") == 1
    assert cache.get("b") is None


def test_the_least_recently_used_goes_first() -> None:
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    assert cache.get("a") == 1
    cache.put("c", 3)
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)


def test_putting_again_replaces_and_counts_as_a_use() -> None:
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("a", 3)
    cache.put("c", 4)
    assert (cache.get("a"), cache.get("b")) == (3, None)


def test_what_was_dropped_is_gone_and_dropping_again_does_nothing() -> None:
    cache: LruCache[str, int] = LruCache(2)
    cache.put("a", 1)
    cache.drop("a")
    cache.drop("a")
    assert cache.get("a") is None


@given(st.integers(1, 5), st.lists(st.integers(0, 20)))
def test_it_never_grows_beyond_its_size(size: int, keys: list[int]) -> None:
    cache: LruCache[int, int] = LruCache(size)
    for key in keys:
        cache.put(key, key)
        assert cache.get(key) == key
        assert len(cache) <= size
