"""A token signer without cryptography."""

from itertools import count
from uuid import UUID

from angarium.domain.errors import Code, Refused
from angarium.domain.identifiers import parse_uuid
from angarium.domain.user import Principal
from angarium.ports.identity import VerifiedToken

SKEW_S = 30


class PlainSigner:
    """Writes the claims in plain; a token is genuine when this very
    signer issued it.
    """

    def __init__(self, ttl: int = 3600) -> None:
        self._ttl = ttl
        self._serials = count(1)
        self._issued: set[str] = set()
        self.verified = 0

    def issue(self, principal: Principal, now_ms: int) -> str:
        issued_at = now_ms // 1000
        token = f"{principal.user_id}~{principal.username}~{issued_at}~{next(self._serials)}"
        self._issued.add(token)
        return token

    def verify(self, token: str, now_ms: int) -> VerifiedToken:
        self.verified += 1
        if token not in self._issued:
            raise Refused.because(
                Code.INVALID_TOKEN, "The token was not issued here; log in again."
            )
        subject, username, issued_at, _ = token.split("~")
        not_before, expires_at = int(issued_at) - SKEW_S, int(issued_at) + self._ttl
        if not_before * 1000 > now_ms:
            raise Refused.because(
                Code.INVALID_TOKEN, "The token is from the future; check the clocks."
            )
        if now_ms >= expires_at * 1000:
            raise Refused.because(Code.EXPIRED_TOKEN, "The token has expired; log in again.")
        return VerifiedToken(Principal(_user_id(subject), username), not_before, expires_at)


def _user_id(text: str) -> UUID:
    user_id = parse_uuid(text)
    if user_id is None:
        raise Refused.because(Code.INVALID_TOKEN, "The token names no user; log in again.")
    return user_id
