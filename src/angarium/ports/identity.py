"""Tokens and passwords (docs/adr/0011)."""

from dataclasses import dataclass
from typing import Protocol

from angarium.domain.user import Principal


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a token proves, and when.

    Attributes:
        principal: The caller.
        not_before: Seconds since the epoch; the token is valid from
            this moment on: its `iat` and `nbf` are at most 30 s ahead.
        expires_at: Seconds since the epoch; the token is valid strictly
            before this moment.
    """

    principal: Principal
    not_before: int
    expires_at: int

    def is_good_at(self, now_ms: int) -> bool:
        """Say whether the token is valid at a moment.

        Args:
            now_ms: Milliseconds since the epoch.

        Returns:
            True from `not_before` on and before `expires_at`.
        """
        return self.not_before * 1000 <= now_ms < self.expires_at * 1000


class TokenSigner(Protocol):
    """Makes and checks bearer tokens.

    Used by any thread; never blocks.
    """

    def issue(self, principal: Principal, now_ms: int) -> str:
        """Make a token.

        Args:
            principal: The user whom it names.
            now_ms: Milliseconds since the epoch.

        Returns:
            A JWT, HS256, with `sub`, `username`, `iss`, `aud`, `iat`,
            `exp`, `jti`.
        """
        ...

    def verify(self, token: str, now_ms: int) -> VerifiedToken:
        """Check a token.

        Args:
            token: What the client sent.
            now_ms: Milliseconds since the epoch.

        Returns:
            What it proves.

        Raises:
            Refused: `expired_token` for one that was valid until its
                `exp`; `invalid_token` for any other fault: malformed,
                wrongly signed, wrong `alg`, `iss` or `aud`, a claim
                missing, or `iat` or `nbf` more than 30 s ahead.
        """
        ...


class PasswordHasher(Protocol):
    """Turns passwords into PHC strings.

    Used by any thread; takes CPU time and memory on purpose.
    """

    def hash(self, password: str) -> str:
        """Hash a password with a new salt.

        Args:
            password: The password.

        Returns:
            A PHC string.

        Raises:
            Refused: `overloaded`: too many passwords are being hashed
                already.
        """
        ...

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Compare a password with a hash.

        It takes the same time whether there is a hash or not, so nobody
        learns which users exist.

        Args:
            password: The candidate.
            password_hash: A PHC string; None for an unknown user, which
                takes as long and is False, as one outside of the
                hasher's bounds.

        Returns:
            True when they match.

        Raises:
            Refused: `overloaded`: too many passwords are being hashed
                already.
        """
        ...

    def is_hash(self, text: str) -> bool:
        """Say whether a text is a PHC string that `verify` can read.

        Args:
            text: The candidate.

        Returns:
            True when it is one, neither weaker nor costlier than the
            hasher's bounds.
        """
        ...
