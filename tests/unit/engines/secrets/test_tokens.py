import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from uuid import UUID

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.errors import Code, Refused
from angarium.domain.identifiers import user_id_for
from angarium.domain.user import Principal
from angarium.engines.secrets.tokens import JwtSigner

SECRET = "a secret of more than thirty-two bytes: ключ"
NOW = 1_763_900_000_123
NOW_S = NOW // 1000
ALICE = Principal(user_id_for("alice"), "alice")

signer = JwtSigner(SECRET, "angarium", "angarium-clients", 3600)


def claims(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = {
        "sub": str(ALICE.user_id),
        "username": "alice",
        "iss": "angarium",
        "aud": "angarium-clients",
        "iat": NOW_S,
        "exp": NOW_S + 3600,
        "jti": "one",
    }
    whole.update(changes)
    return {name: value for name, value in whole.items() if value is not None}


def segment(document: object) -> str:
    return urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def signed(document: Mapping[str, object], secret: str = SECRET, **header: object) -> str:
    signing_input = f"{segment({'alg': 'HS256', 'typ': 'JWT', **header})}.{segment(document)}"
    digest = hmac.new(secret.encode(), signing_input.encode(), hashlib.sha256).digest()
    return f"{signing_input}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def code_of(token: str, now_ms: int = NOW) -> Code:
    with pytest.raises(Refused) as refusal:
        signer.verify(token, now_ms)
    return refusal.value.problems[0].code


def test_a_token_names_its_user_until_it_expires() -> None:
    verified = signer.verify(signer.issue(ALICE, NOW), NOW)
    assert verified.principal == ALICE
    assert verified.expires_at == NOW_S + 3600


def test_a_token_is_a_standard_jwt_with_the_promised_claims() -> None:
    token = signer.issue(ALICE, NOW)
    read = jwt.decode(
        token,
        SECRET.encode(),
        algorithms=["HS256"],
        audience="angarium-clients",
        options={"verify_exp": False},
    )
    token_id = read.pop("jti")
    assert read == claims(jti=None)
    assert jwt.get_unverified_header(token) == {"alg": "HS256", "typ": "JWT"}
    assert UUID(token_id).version == 4


def test_no_two_tokens_are_the_same() -> None:
    assert signer.issue(ALICE, NOW) != signer.issue(ALICE, NOW)


def test_tokens_made_by_another_instance_with_the_same_key_are_good() -> None:
    assert signer.verify(signed(claims()), NOW).principal == ALICE


def test_the_expiry_is_strict_to_the_millisecond() -> None:
    token = signed(claims(exp=NOW_S))
    assert signer.verify(token, NOW_S * 1000 - 1).principal == ALICE
    assert code_of(token, NOW_S * 1000) == Code.EXPIRED_TOKEN


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_a_beginning_may_lie_thirty_seconds_ahead_and_no_more(name: str) -> None:
    now_ms = NOW_S * 1000
    assert signer.verify(signed(claims(**{name: NOW_S + 30})), now_ms).principal == ALICE
    assert code_of(signed(claims(**{name: NOW_S + 31})), now_ms) == Code.INVALID_TOKEN


@pytest.mark.parametrize("name", ["sub", "username", "iss", "aud", "iat", "exp", "jti"])
def test_no_claim_may_be_missing(name: str) -> None:
    assert code_of(signed(claims(**{name: None}))) == Code.INVALID_TOKEN


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sub", "alice"),
        ("sub", 7),
        ("sub", "{3f333df6-90a4-4fda-8dd3-9485d27cee36}"),
        ("username", 7),
        ("username", "Alice"),
        ("username", ""),
        ("iss", "someone else"),
        ("iss", ["angarium"]),
        ("aud", "angarium"),
        ("aud", ["another"]),
        ("aud", 7),
        ("iat", str(NOW_S)),
        ("iat", float(NOW_S)),
        ("iat", True),
        ("exp", str(NOW_S + 3600)),
        ("exp", float(NOW_S + 3600)),
        ("exp", True),
        ("exp", []),
        ("nbf", "now"),
        ("nbf", 1.5),
        ("jti", 7),
        ("jti", ""),
    ],
)
def test_every_claim_has_its_type_and_value(name: str, value: object) -> None:
    assert code_of(signed(claims(**{name: value}))) == Code.INVALID_TOKEN


def test_a_token_signed_with_another_key_is_invalid() -> None:
    assert code_of(signed(claims(), secret="x" * 44)) == Code.INVALID_TOKEN


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "HS384", "HS512", "RS256", "", 7, ["HS256"], None]
)
def test_a_header_may_name_no_other_algorithm(algorithm: object) -> None:
    assert code_of(signed(claims(), alg=algorithm)) == Code.INVALID_TOKEN


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_a_token_truly_signed_with_another_algorithm_is_invalid(algorithm: str) -> None:
    token = jwt.encode(claims(), SECRET.encode() * 3, algorithm=algorithm)
    assert code_of(token) == Code.INVALID_TOKEN


def test_an_unsigned_token_is_invalid() -> None:
    unsigned = f"{segment({'alg': 'none'})}.{segment(claims())}."
    assert code_of(unsigned) == Code.INVALID_TOKEN


def test_an_expired_token_with_another_fault_is_invalid_rather_than_expired() -> None:
    assert code_of(signed(claims(exp=1))) == Code.EXPIRED_TOKEN
    assert code_of(signed(claims(exp=1, aud="another"))) == Code.INVALID_TOKEN
    assert code_of(signed(claims(exp=1), secret="x" * 44)) == Code.INVALID_TOKEN
    assert code_of(signed(claims(exp=1, iat=NOW_S + 60))) == Code.INVALID_TOKEN


def test_a_critical_header_that_is_not_understood_is_invalid() -> None:
    assert code_of(signed(claims(), crit=["exp"], exp=1)) == Code.INVALID_TOKEN


def test_a_deeply_nested_header_is_invalid() -> None:
    nested = urlsafe_b64encode(b"[" * 30_000).rstrip(b"=").decode()
    assert code_of(f"{nested}.{segment(claims())}.{'A' * 43}") == Code.INVALID_TOKEN


def test_claims_that_are_no_object_are_invalid() -> None:
    for payload in (b"[]", b"7", b"{", b"\xff", b'{"exp":' + b"9" * 5000 + b"}"):
        signing_input = (
            f"{segment({'alg': 'HS256'})}.{urlsafe_b64encode(payload).rstrip(b'=').decode()}"
        )
        digest = hmac.new(SECRET.encode(), signing_input.encode(), hashlib.sha256).digest()
        token = f"{signing_input}.{urlsafe_b64encode(digest).rstrip(b'=').decode()}"
        assert code_of(token) == Code.INVALID_TOKEN


def test_a_token_has_a_single_spelling() -> None:
    token = signer.issue(ALICE, NOW)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spellings = [token[:-1] + last for last in alphabet if last != token[-1]]
    spellings += [
        token + "!",
        token + "=",
        token + "\n",
        token[:-1] + "!!" + token[-1],
        " " + token,
    ]
    for spelling in spellings:
        assert code_of(spelling) == Code.INVALID_TOKEN


@given(st.text() | st.text("ab.-_=").map(lambda text: f"{text}.{text}.{text}"))
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    assert code_of(text) == Code.INVALID_TOKEN


@given(st.data())
def test_any_single_changed_character_is_found(data: st.DataObject) -> None:
    token = signer.issue(ALICE, NOW)
    index = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters(codec="utf-8").filter(lambda drawn: drawn != token[index]))
    assert code_of(token[:index] + character + token[index + 1 :]) == Code.INVALID_TOKEN


def test_a_refusal_never_repeats_the_token() -> None:
    token = signed(claims(exp=1))
    with pytest.raises(Refused) as refusal:
        signer.verify(token, NOW)
    assert token not in refusal.value.problems[0].detail
