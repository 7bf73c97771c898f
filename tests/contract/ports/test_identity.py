"""Tokens and passwords: what the real ones and the cheap ones of other
tests have in common.
"""

from uuid import uuid4

import pytest

from angarium.domain.errors import Code, Refused
from angarium.domain.user import Principal
from angarium.engines.secrets.passwords import ScryptHasher
from angarium.engines.secrets.tokens import JwtSigner
from angarium.ports.identity import PasswordHasher, TokenSigner, VerifiedToken
from tests.fakes.passwords import CheapHasher
from tests.fakes.tokens import PlainSigner

NOW = 1_700_000_000_500
TTL = 600
ALICE = Principal(uuid4(), "alice")


@pytest.fixture(params=["fakes", "secrets"])
def signer(request: pytest.FixtureRequest) -> TokenSigner:
    return (
        PlainSigner(TTL)
        if request.param == "fakes"
        else JwtSigner("k" * 32, "angarium", "angarium", TTL)
    )


@pytest.fixture(params=["fakes", "secrets"])
def hasher(request: pytest.FixtureRequest) -> PasswordHasher:
    return CheapHasher() if request.param == "fakes" else ScryptHasher()


def refusal(signer: TokenSigner, token: str, now_ms: int) -> Code:
    with pytest.raises(Refused) as raised:
        signer.verify(token, now_ms)
    return raised.value.problems[0].code


def test_a_token_proves_who_it_was_issued_to(signer: TokenSigner) -> None:
    issued_at = NOW // 1000
    proof = VerifiedToken(ALICE, not_before=issued_at - 30, expires_at=issued_at + TTL)
    assert signer.verify(signer.issue(ALICE, NOW), NOW) == proof


def test_a_token_is_good_strictly_before_its_expiry(signer: TokenSigner) -> None:
    token = signer.issue(ALICE, NOW)
    expires_at = signer.verify(token, NOW).expires_at
    assert signer.verify(token, expires_at * 1000 - 1).principal == ALICE
    assert refusal(signer, token, expires_at * 1000) is Code.EXPIRED_TOKEN


def test_a_token_may_come_from_a_clock_thirty_seconds_ahead(signer: TokenSigner) -> None:
    token = signer.issue(ALICE, NOW)
    assert signer.verify(token, NOW // 1000 * 1000 - 30_000).principal == ALICE
    assert refusal(signer, token, NOW // 1000 * 1000 - 30_001) is Code.INVALID_TOKEN


def test_two_tokens_of_one_moment_differ(signer: TokenSigner) -> None:
    assert signer.issue(ALICE, NOW) != signer.issue(ALICE, NOW)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "Bearer x", "é", "\ud800", "x" * 10_000])
def test_any_other_text_is_an_invalid_token(signer: TokenSigner, token: str) -> None:
    assert refusal(signer, token, NOW) is Code.INVALID_TOKEN


def test_a_changed_token_is_invalid(signer: TokenSigner) -> None:
    token = signer.issue(ALICE, NOW)
    assert refusal(signer, token[:-5], NOW) is Code.INVALID_TOKEN
    assert refusal(signer, token.upper(), NOW) is Code.INVALID_TOKEN


def test_a_password_matches_its_own_hash_only(hasher: PasswordHasher) -> None:
    hashed = hasher.hash("correct horse ö")
    assert hasher.is_hash(hashed)
    assert hasher.verify("correct horse ö", hashed)
    assert not hasher.verify("Correct horse ö", hashed)
    assert not hasher.verify("", hashed)


def test_the_same_password_is_hashed_with_a_new_salt_each_time(hasher: PasswordHasher) -> None:
    assert hasher.hash("p") != hasher.hash("p")


def test_nobody_s_password_matches(hasher: PasswordHasher) -> None:
    assert not hasher.verify("", None)
    assert not hasher.verify("p", None)


@pytest.mark.parametrize("text", ["", "p", "$", "$$$", "$scrypt$ln=14,r=8,p=5$c2FsdA", "\ud800"])
def test_any_other_text_is_no_hash_and_matches_nothing(hasher: PasswordHasher, text: str) -> None:
    assert not hasher.is_hash(text)
    assert not hasher.verify("p", text)
