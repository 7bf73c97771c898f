"""Bearer tokens as JWTs, signed with one shared key (docs/adr/0011)."""

import re
from collections.abc import Mapping
from uuid import uuid4

import jwt

from angarium.domain.errors import Code, Refused
from angarium.domain.identifiers import parse_uuid
from angarium.domain.user import Principal, is_username
from angarium.ports.identity import VerifiedToken

ALGORITHM = "HS256"
CLOCK_SKEW_S = 30
"""How far ahead `iat` and `nbf` may be: instances' clocks differ."""

# The decoder skips foreign characters and spare bits. Without this
# check one token would have any number of spellings, each with an entry
# of its own in the cache of verified tokens.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")

_REQUIRED = ("sub", "username", "iss", "aud", "iat", "exp", "jti")


class JwtSigner:
    """Implements `ports.identity.TokenSigner` with HS256.

    The time comes from the caller, never from the library's own clock.
    """

    def __init__(self, secret: str, issuer: str, audience: str, ttl_s: int) -> None:
        """Set the key and the claims that every token must have.

        Args:
            secret: Its UTF-8 bytes are the key, at least 32 of them
                (RFC 7518, section 3.2).
            issuer: The `iss` of every token.
            audience: The `aud` of every token.
            ttl_s: Seconds for which a token is valid.
        """
        self._key = secret.encode()
        self._issuer = issuer
        self._audience = audience
        self._ttl_s = ttl_s

    def issue(self, principal: Principal, now_ms: int) -> str:
        """Implements `TokenSigner.issue`; `jti` is a random UUID."""
        issued_at = now_ms // 1000
        claims: dict[str, object] = {
            "sub": str(principal.user_id),
            "username": principal.username,
            "iss": self._issuer,
            "aud": self._audience,
            "iat": issued_at,
            "exp": issued_at + self._ttl_s,
            "jti": str(uuid4()),
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def verify(self, token: str, now_ms: int) -> VerifiedToken:
        """Implements `TokenSigner.verify`; `exp` has no leeway."""
        if _COMPACT.fullmatch(token) is None:
            raise _invalid("it is not a compact JWT with an HS256 signature")
        claims = self._claims(token)
        verified = _read(claims)
        if verified.is_good_at(now_ms):
            return verified
        if verified.not_before * 1000 > now_ms:
            raise _invalid(f"its 'iat' or 'nbf' is more than {CLOCK_SKEW_S} s ahead")
        raise Refused.because(
            Code.EXPIRED_TOKEN, "The token has expired; log in again for a new one."
        )

    def _claims(self, token: str) -> Mapping[str, object]:
        """Return the claims of a token with a valid signature."""
        try:
            # PyJWT would use the machine's own clock; `verify` checks
            # times against the caller's.
            return jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                options={
                    "require": list(_REQUIRED),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise _invalid(
                "its form, signature, algorithm, issuer or audience is wrong"
            ) from error


def _read(claims: Mapping[str, object]) -> VerifiedToken:
    """Return what the claims prove; refuse those of a wrong type."""
    subject, username, token_id = claims["sub"], claims["username"], claims["jti"]
    user_id = parse_uuid(subject) if isinstance(subject, str) else None
    if user_id is None:
        raise _invalid("its 'sub' is not a UUID")
    if not isinstance(username, str) or not is_username(username):
        raise _invalid("its 'username' is not a valid username")
    if not isinstance(token_id, str) or not token_id:
        raise _invalid("its 'jti' is not a text, or empty")
    starts_at = max(_seconds(claims.get(name, 0), name) for name in ("iat", "nbf"))
    return VerifiedToken(
        Principal(user_id, username),
        starts_at - CLOCK_SKEW_S,
        _seconds(claims["exp"], "exp"),
    )


def _seconds(value: object, name: str) -> int:
    """Return a time claim, which must be a whole number."""
    if type(value) is not int:
        raise _invalid(f"its {name!r} is not a whole number of seconds")
    return value


def _invalid(fault: str) -> Refused:
    """Make the refusal of a token, with what is wrong with it."""
    return Refused.because(
        Code.INVALID_TOKEN, f"The token is not valid: {fault}; log in again for a new one."
    )
