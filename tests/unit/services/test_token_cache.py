from uuid import uuid4

from angarium.domain.user import Principal
from angarium.ports.identity import VerifiedToken
from angarium.services.token_cache import TokenCache


def proof(expires_at: int, not_before: int = 0) -> VerifiedToken:
    return VerifiedToken(Principal(uuid4(), "alice"), not_before, expires_at)


def test_a_token_is_known_until_it_expires_and_not_a_millisecond_longer() -> None:
    cache = TokenCache(10)
    verified = proof(100)
    cache.put("token", verified)
    assert cache.get("token", 99_999) is verified
    assert cache.get("token", 100_000) is None


def test_a_token_that_was_verified_by_a_clock_ahead_is_unknown_before_its_time() -> None:
    cache = TokenCache(10)
    verified = proof(100, not_before=50)
    cache.put("token", verified)
    assert cache.get("token", 50_000) is verified
    assert cache.get("token", 49_999) is None


def test_an_expired_token_is_forgotten() -> None:
    cache = TokenCache(10)
    cache.put("token", proof(100))
    cache.get("token", 100_000)
    assert len(cache) == 0


def test_another_token_is_unknown() -> None:
    cache = TokenCache(10)
    cache.put("token", proof(100))
    assert cache.get("tokeN", 0) is None


def test_so_many_tokens_are_kept_and_no_more() -> None:
    cache = TokenCache(3)
    for number in range(10):
        cache.put(f"token {number}", proof(100))
    assert len(cache) == 3
    assert cache.get("token 9", 0) is not None
    assert cache.get("token 6", 0) is None
