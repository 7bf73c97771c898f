from uuid import UUID, uuid4

import pytest

from angarium.domain.errors import Code, Refused
from angarium.domain.identifiers import user_id_for
from angarium.domain.user import Principal
from angarium.ports.identity import VerifiedToken
from angarium.services.authentication import Authentication, TokenCache
from angarium.services.presence import Presence
from tests.fakes.clock import ManualClock
from tests.fakes.presence import MemoryPresence
from tests.fakes.tokens import PlainSigner

ALICE = Principal(user_id_for("alice"), "alice")


class Desk:
    """An authentication with its parts at hand."""

    def __init__(self, clock: ManualClock, cache_size: int = 10_000) -> None:
        self.clock = clock
        self.signer = PlainSigner(ttl=3600)
        self.store = MemoryPresence()
        presence = Presence(self.store, 30, clock)
        self.authentication = Authentication(self.signer, presence, clock, cache_size)

    def token(self, principal: Principal = ALICE) -> str:
        return self.signer.issue(principal, self.clock.now_ms())

    def code_of(self, token: str) -> Code:
        with pytest.raises(Refused) as refusal:
            self.authentication.authenticate(token)
        return refusal.value.problems[0].code

    def last_seen(self, user_id: UUID) -> int | None:
        return self.store.last_seen([user_id]).result(0).get(user_id)


@pytest.fixture
def desk(clock: ManualClock) -> Desk:
    return Desk(clock)


def test_a_token_tells_who_the_caller_is(desk: Desk) -> None:
    assert desk.authentication.authenticate(desk.token()) == ALICE


def test_a_signature_is_verified_once_a_token(desk: Desk) -> None:
    token = desk.token()
    for _ in range(5):
        assert desk.authentication.authenticate(token) == ALICE
    assert desk.signer.verified == 1


def test_a_remembered_token_expires_strictly(desk: Desk) -> None:
    token = desk.token()
    desk.authentication.authenticate(token)
    desk.clock.advance(3599.999)
    assert desk.authentication.authenticate(token) == ALICE
    desk.clock.advance(0.001)
    assert desk.code_of(token) == Code.EXPIRED_TOKEN


def test_a_remembered_token_is_refused_once_the_clock_that_was_ahead_is_set_back(
    desk: Desk,
) -> None:
    desk.clock.step_wall(60_000)
    token = desk.token()
    assert desk.authentication.authenticate(token) == ALICE
    desk.clock.step_wall(-30_000)
    assert desk.authentication.authenticate(token) == ALICE
    desk.clock.step_wall(-30_000)
    assert desk.code_of(token) == Code.INVALID_TOKEN
    desk.clock.advance(30)
    assert desk.authentication.authenticate(token) == ALICE


def test_a_refused_token_is_verified_anew_each_time(desk: Desk) -> None:
    for _ in range(3):
        assert desk.code_of("forged~alice~0~1") == Code.INVALID_TOKEN
    assert desk.signer.verified == 3


def test_a_token_like_a_remembered_one_is_not_taken_for_it(desk: Desk) -> None:
    token = desk.token()
    desk.authentication.authenticate(token)
    assert desk.code_of(token + " ") == Code.INVALID_TOKEN


def test_a_forgotten_token_is_verified_again(clock: ManualClock) -> None:
    desk = Desk(clock, cache_size=1)
    token = desk.token()
    desk.authentication.authenticate(token)
    desk.authentication.authenticate(desk.token())
    assert desk.authentication.authenticate(token) == ALICE
    assert desk.signer.verified == 3


def test_an_authenticated_user_counts_as_seen(desk: Desk) -> None:
    token = desk.token()
    desk.authentication.authenticate(token)
    first = desk.last_seen(ALICE.user_id)
    desk.clock.advance(20)
    desk.authentication.authenticate(token)
    assert first is not None
    assert desk.last_seen(ALICE.user_id) == first + 20_000


def test_a_refused_caller_does_not_count_as_seen(desk: Desk) -> None:
    token = desk.token()
    desk.clock.advance(3600)
    desk.code_of(token)
    assert desk.last_seen(ALICE.user_id) is None


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
