"""docs/http.md, "POST /auth/token", and what every guarded path
wants.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from itertools import count
from urllib.parse import urlencode

import pytest

from tests.contract.http.client import Answer, Client, Person, refused
from tests.contract.http.parts import (
    AUDIENCE,
    ISSUER,
    LOGIN_ATTEMPTS,
    LOGIN_WINDOW,
    SECRET,
    TOKEN_TTL,
)
from tests.contract.http.services import WITHOUT_SERVERS, Service

pytestmark = pytest.mark.parametrize("service", WITHOUT_SERVERS, indirect=True, scope="package")


FORM = ("Content-Type", "application/x-www-form-urlencoded")
_addresses = count(1)


@pytest.fixture
def address() -> tuple[str, str]:
    """An address that failed in no other test, as a trusted proxy tells
    it.
    """
    number = next(_addresses)
    return ("X-Forwarded-For", f"198.51.{number // 256}.{number % 256}")


def log_in(client: Client, address: tuple[str, str], **members: object) -> Answer:
    return client.post("/auth/token", members, [address])


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def read_segment(text: str) -> Mapping[str, object]:
    read: dict[str, object] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return read


def signed(
    header: Mapping[str, object], claims: Mapping[str, object], secret: str = SECRET
) -> str:
    body = f"{segment(header)}.{segment(claims)}"
    mac = hmac.new(secret.encode(), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_a_token_for_a_name_and_a_password(
    stranger: Client, alice: Person, address: tuple[str, str]
) -> None:
    answer = log_in(stranger, address, username=alice.username, password=alice.password)
    assert answer.status == 200
    assert answer.headers.get("cache-control") == "no-store"
    assert set(answer.document()) == {"access_token", "token_type", "expires_in", "user_id"}
    assert answer.at("token_type") == "Bearer"
    assert answer.at("expires_in") == TOKEN_TTL
    assert answer.at("user_id") == str(alice.user_id)


def test_the_token_is_good_for_the_other_paths(
    service: Service, stranger: Client, alice: Person, address: tuple[str, str]
) -> None:
    token = log_in(stranger, address, username=alice.username, password=alice.password).text(
        "access_token"
    )
    assert service.bearing(token).get("/v1/users/me").at("username") == alice.username


def test_the_token_is_a_jwt_with_the_contracts_claims(
    stranger: Client, alice: Person, address: tuple[str, str]
) -> None:
    answers = [
        log_in(stranger, address, username=alice.username, password=alice.password)
        for _ in range(2)
    ]
    header, body, _ = answers[0].text("access_token").split(".")
    assert read_segment(header)["alg"] == "HS256"
    claims = read_segment(body)
    assert set(claims) == {"sub", "username", "iss", "aud", "iat", "exp", "jti"}
    assert (claims["sub"], claims["username"]) == (str(alice.user_id), alice.username)
    assert (claims["iss"], claims["aud"]) == (ISSUER, AUDIENCE)
    issued_at = claims["iat"]
    assert isinstance(issued_at, int)
    assert claims["exp"] == issued_at + TOKEN_TTL
    assert read_segment(answers[1].text("access_token").split(".")[1])["jti"] != claims["jti"]


@pytest.mark.parametrize("grant", [{}, {"grant_type": "password"}])
def test_a_form_logs_in_with_or_without_a_grant_type(
    stranger: Client, alice: Person, address: tuple[str, str], grant: Mapping[str, str]
) -> None:
    form = urlencode({**grant, "username": alice.username, "password": alice.password}).encode()
    answer = stranger.post_bytes("/auth/token", form, [FORM, address])
    assert answer.status == 200
    assert answer.at("user_id") == str(alice.user_id)


def test_json_logs_in_with_a_grant_type(
    stranger: Client, alice: Person, address: tuple[str, str]
) -> None:
    answer = log_in(
        stranger, address, username=alice.username, password=alice.password, grant_type="password"
    )
    assert answer.status == 200


@pytest.mark.parametrize("grant_type", ["client_credentials", "", "Password"])
def test_another_grant_type_is_not_supported(
    stranger: Client, alice: Person, address: tuple[str, str], grant_type: str
) -> None:
    members = {"username": alice.username, "password": alice.password, "grant_type": grant_type}
    assert refused(log_in(stranger, address, **members)) == (400, "unsupported_grant_type")
    form = stranger.post_bytes("/auth/token", urlencode(members).encode(), [FORM, address])
    assert refused(form) == (400, "unsupported_grant_type")


@pytest.mark.parametrize("form", [b"username=a&username=b&password=c", b"username=%ff&password=c"])
def test_a_form_that_cannot_be_read_is_malformed(stranger: Client, form: bytes) -> None:
    assert refused(stranger.post_bytes("/auth/token", form, [FORM])) == (400, "malformed_json")


def test_a_form_in_json_clothes_is_malformed(stranger: Client) -> None:
    assert refused(stranger.post_bytes("/auth/token", b"username=a&password=b")) == (
        400,
        "malformed_json",
    )


@pytest.mark.parametrize(
    "members", [{"username": "a"}, {"password": "a"}, {"username": "a", "password": None}]
)
def test_a_login_without_both_is_a_missing_field(
    stranger: Client, members: Mapping[str, object]
) -> None:
    assert refused(stranger.post("/auth/token", members)) == (400, "missing_field")
    assert refused(stranger.post("/auth/token", {})) == (400, "missing_field")


@pytest.mark.parametrize("value", [1, True, ["a"], {"a": "b"}])
def test_a_login_with_anything_but_strings_is_an_invalid_field(
    stranger: Client, value: object
) -> None:
    assert refused(stranger.post("/auth/token", {"username": value, "password": "a"})) == (
        400,
        "invalid_field",
    )
    assert refused(stranger.post("/auth/token", {"username": "a", "password": value})) == (
        400,
        "invalid_field",
    )


def test_an_unknown_user_and_a_wrong_password_are_answered_alike(
    stranger: Client, alice: Person, address: tuple[str, str]
) -> None:
    wrong = log_in(stranger, address, username=alice.username, password="wrong")
    unknown = log_in(stranger, address, username="nobody-at-all", password=alice.password)
    for answer in (wrong, unknown):
        assert refused(answer) == (401, "invalid_credentials")
        assert answer.headers.all("www-authenticate") == ["Bearer"]
    assert wrong.at("detail") == unknown.at("detail")


@pytest.mark.parametrize(
    "username", ["", "Alice", "alice ", "ALICE-1", "a" * 65, "älice", "a\x00", "\ud800"]
)
def test_what_can_be_nobodys_name_is_an_unknown_user(
    stranger: Client, address: tuple[str, str], username: str
) -> None:
    answer = log_in(stranger, address, username=username, password="x")
    assert refused(answer) == (401, "invalid_credentials")


@pytest.mark.parametrize("behind", ["\0", "\0\0\0", "\0x", "x" * 1025])
def test_a_password_with_a_zero_or_far_too_much_behind_it_is_nobodys(
    stranger: Client, alice: Person, address: tuple[str, str], behind: str
) -> None:
    answer = log_in(stranger, address, username=alice.username, password=alice.password + behind)
    assert refused(answer) == (401, "invalid_credentials")


def test_a_password_with_a_lone_surrogate_is_an_invalid_field(
    stranger: Client, alice: Person
) -> None:
    answer = stranger.post("/auth/token", {"username": alice.username, "password": "\ud800"})
    assert refused(answer) == (400, "invalid_field")


def test_whoever_keeps_failing_is_refused_with_the_right_password_too(
    stranger: Client, alice: Person, address: tuple[str, str]
) -> None:
    for _ in range(LOGIN_ATTEMPTS):
        failed = log_in(stranger, address, username=alice.username, password="wrong")
        assert refused(failed) == (401, "invalid_credentials")
    answer = log_in(stranger, address, username=alice.username, password=alice.password)
    assert refused(answer) == (429, "too_many_attempts")
    wait = int(answer.headers.get("retry-after") or "0")
    assert 0 < wait <= LOGIN_WINDOW


def test_nobody_can_lock_a_user_out_from_elsewhere(
    stranger: Client, alice: Person, address: tuple[str, str]
) -> None:
    for _ in range(LOGIN_ATTEMPTS + 1):
        log_in(stranger, address, username=alice.username, password="wrong")
    elsewhere = ("X-Forwarded-For", "203.0.113.77")
    answer = log_in(stranger, elsewhere, username=alice.username, password=alice.password)
    assert answer.status == 200


def test_what_a_client_writes_before_the_proxy_buys_no_new_attempts(
    stranger: Client, alice: Person, address: tuple[str, str]
) -> None:
    name, own = address
    for number in range(LOGIN_ATTEMPTS):
        log_in(
            stranger, (name, f"192.0.2.{number}, {own}"), username=alice.username, password="wrong"
        )
    answer = log_in(stranger, address, username=alice.username, password=alice.password)
    assert refused(answer) == (429, "too_many_attempts")


def test_an_address_that_fails_for_many_names_is_refused(
    stranger: Client, alice: Person, address: tuple[str, str]
) -> None:
    for number in range(10 * LOGIN_ATTEMPTS):
        failed = log_in(stranger, address, username=f"nobody-{number}", password="wrong")
        assert refused(failed) == (401, "invalid_credentials")
    answer = log_in(stranger, address, username=alice.username, password=alice.password)
    assert refused(answer) == (429, "too_many_attempts")


def test_a_success_clears_the_count(
    stranger: Client, alice: Person, address: tuple[str, str]
) -> None:
    for _ in range(2):
        for _ in range(LOGIN_ATTEMPTS - 1):
            log_in(stranger, address, username=alice.username, password="wrong")
        answer = log_in(stranger, address, username=alice.username, password=alice.password)
        assert answer.status == 200


def test_a_400_does_not_count(stranger: Client, alice: Person, address: tuple[str, str]) -> None:
    for _ in range(LOGIN_ATTEMPTS + 1):
        assert log_in(stranger, address, username=alice.username).status == 400
    answer = log_in(stranger, address, username=alice.username, password=alice.password)
    assert answer.status == 200


@pytest.mark.parametrize("value", [None, "", "Basic YTpi", "Token abc"])
def test_no_token_or_another_scheme_is_challenged_without_an_error(
    stranger: Client, value: str | None
) -> None:
    fields = [] if value is None else [("Authorization", value)]
    answer = stranger.get("/v1/inbox", fields)
    assert refused(answer) == (401, "missing_token")
    assert answer.headers.all("www-authenticate") == ["Bearer"]


def test_the_scheme_is_read_in_any_case(stranger: Client, alice: Person) -> None:
    assert stranger.get("/v1/users/me", [("Authorization", f"bEARER {alice.token}")]).status == 200


Claims = dict[str, object]
HS256: Mapping[str, object] = {"alg": "HS256", "typ": "JWT"}
FORGERIES: dict[str, Callable[[Claims], str]] = {
    "no claims": lambda claims: signed(HS256, {}),
    "another key": lambda claims: signed(HS256, claims, "another key of thirty-two bytes!"),
    "alg none": lambda claims: f"{segment({'alg': 'none'})}.{segment(claims)}.",
    "alg HS512": lambda claims: signed({"alg": "HS512"}, claims),
    "another issuer": lambda claims: signed(HS256, {**claims, "iss": "someone"}),
    "another audience": lambda claims: signed(HS256, {**claims, "aud": "someone"}),
    "no expiry": lambda claims: signed(
        HS256, {name: claims[name] for name in claims if name != "exp"}
    ),
    "not yet valid": lambda claims: signed(HS256, {**claims, "nbf": int(str(claims["iat"])) + 60}),
    "issued in the future": lambda claims: signed(
        HS256, {**claims, "iat": int(str(claims["iat"])) + 60}
    ),
    "no user": lambda claims: signed(HS256, {**claims, "sub": "alice"}),
    "not a token": lambda claims: "abc",
    "two tokens": lambda claims: f"{signed(HS256, claims)} {signed(HS256, claims)}",
    "a cut token": lambda claims: signed(HS256, claims)[:-2],
    "nothing": lambda claims: "",
}


@pytest.fixture
def claims(service: Service, alice: Person) -> Claims:
    now = service.parts.clock.now_ms() // 1000
    return {
        "sub": str(alice.user_id),
        "username": alice.username,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + TOKEN_TTL,
        "jti": "1",
    }


def test_a_token_made_by_another_instance_with_the_same_key_is_good(
    service: Service, claims: Claims
) -> None:
    assert service.bearing(signed(HS256, claims)).get("/v1/users/me").status == 200


def test_clocks_may_differ_by_half_a_minute(service: Service, claims: Claims) -> None:
    ahead = int(str(claims["iat"])) + 25
    token = signed(HS256, {**claims, "iat": ahead, "nbf": ahead})
    assert service.bearing(token).get("/v1/users/me").status == 200


@pytest.mark.parametrize("forgery", FORGERIES)
def test_any_other_token_is_invalid(service: Service, claims: Claims, forgery: str) -> None:
    answer = service.bearing(FORGERIES[forgery](claims)).get("/v1/users/me")
    assert refused(answer) == (401, "invalid_token")
    assert answer.headers.all("www-authenticate") == ['Bearer error="invalid_token"']


def test_an_expired_token_says_so(service: Service, claims: Claims) -> None:
    now = int(str(claims["iat"]))
    token = signed(HS256, {**claims, "iat": now - TOKEN_TTL - 1, "exp": now - 1})
    answer = service.bearing(token).get("/v1/users/me")
    assert refused(answer) == (401, "expired_token")
    assert answer.headers.all("www-authenticate") == ['Bearer error="invalid_token"']


def test_two_authorization_fields_are_an_invalid_token(stranger: Client, alice: Person) -> None:
    field = ("Authorization", f"Bearer {alice.token}")
    assert refused(stranger.get("/v1/users/me", [field, field])) == (401, "invalid_token")
