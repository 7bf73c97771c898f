"""Bearer tokens as JWTs, signed with one shared key."""

import re
from collections.abc import Mapping
from uuid import uuid4

import jwt

from angarium.domain.errors import Code, Refused
from angarium.domain.identifiers import parse_uuid
from angarium.domain.user import Principal, is_username
from angarium.ports.identity import VerifiedToken

ALGORITHM = "HS256"
CLOCK_SKEW_SECONDS = 30
"""How far `iat` and `nbf` may lie ahead: instances' clocks differ."""

# The decoder passes over foreign characters and spare bits. Without
# this check one token would have any number of spellings, each of which
# would take a place in the cache of verified tokens.
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")

_REQUIRED = ("sub", "username", "iss", "aud", "iat", "exp", "jti")


class JwtSigner:
    """Issues and verifies HS256 tokens; the clock is the caller's, and
    `exp` is strict.
    """

    def __init__(self, secret: str, issuer: str, audience: str, ttl: int) -> None:
        """Take the key and what every token must say.

        Args:
            secret: Its UTF-8 bytes are the key, 32 of them at least
                (RFC 7518, section 3.2).
            issuer: The `iss` of every token.
            audience: The `aud` of every token.
            ttl: Seconds for which a token is good.
        """
        self._key = secret.encode()
        self._issuer = issuer
        self._audience = audience
        self._ttl = ttl

    def issue(self, principal: Principal, now_ms: int) -> str:
        """Make a token.

        Args:
            principal: Whom it names.
            now_ms: Milliseconds since the epoch.

        Returns:
            A signed JWT that is good for the set time.
        """
        issued_at = now_ms // 1000
        claims: dict[str, object] = {
            "sub": str(principal.user_id),
            "username": principal.username,
            "iss": self._issuer,
            "aud": self._audience,
            "iat": issued_at,
            "exp": issued_at + self._ttl,
            "jti": str(uuid4()),
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def verify(self, token: str, now_ms: int) -> VerifiedToken:
        """Check a token.

        Args:
            token: What the client sent.
            now_ms: Milliseconds since the epoch.

        Returns:
            Whom it names, and until when.

        Raises:
            Refused: `expired_token` for one that was good until its
                `exp`; `invalid_token` for any other fault.
        """
        if _COMPACT.fullmatch(token) is None:
            raise _invalid("it is no compact JWT with an HS256 signature")
        claims = self._claims(token)
        verified = _read(claims)
        if verified.is_good_at(now_ms):
            return verified
        if verified.not_before * 1000 > now_ms:
            raise _invalid(f"its 'iat' or 'nbf' lies more than {CLOCK_SKEW_SECONDS} s ahead")
        raise Refused.because(
            Code.EXPIRED_TOKEN, "The token has expired; log in again for a new one."
        )

    def _claims(self, token: str) -> Mapping[str, object]:
        try:
            # PyJWT would read the machine's own clock: times are
            # checked by the caller's instead.
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
    subject, username, token_id = claims["sub"], claims["username"], claims["jti"]
    user_id = parse_uuid(subject) if isinstance(subject, str) else None
    if user_id is None:
        raise _invalid("its 'sub' is no UUID")
    if not isinstance(username, str) or not is_username(username):
        raise _invalid("its 'username' is no name of a user")
    if not isinstance(token_id, str) or not token_id:
        raise _invalid("its 'jti' is no text")
    starts_at = max(_seconds(claims.get(name, 0), name) for name in ("iat", "nbf"))
    return VerifiedToken(
        Principal(user_id, username),
        starts_at - CLOCK_SKEW_SECONDS,
        _seconds(claims["exp"], "exp"),
    )


def _seconds(value: object, name: str) -> int:
    if type(value) is not int:
        raise _invalid(f"its {name!r} is no whole number of seconds")
    return value


def _invalid(fault: str) -> Refused:
    return Refused.because(
        Code.INVALID_TOKEN, f"The token is not valid: {fault}; log in again for a new one."
    )
