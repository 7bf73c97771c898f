"""Tokens that were verified before, so that their signature is not computed again for every request."""

from angarium.ports.identity import VerifiedToken
from angarium.services.lru_cache import LruCache


class TokenCache:
    """Keeps verified tokens while they are good; bounded, used by any thread."""

    def __init__(self, size: int) -> None:
        """Set the bound.

        Args:
            size: Tokens that are kept at most; the least recently used goes first.
        """
        self._tokens: LruCache[str, VerifiedToken] = LruCache(size)

    def __len__(self) -> int:
        return len(self._tokens)

    def get(self, token: str, now_ms: int) -> VerifiedToken | None:
        """Look a token up.

        Args:
            token: What the client sent.
            now_ms: Milliseconds since the epoch.

        Returns:
            What it proves; None when it is not known, has expired, or
            is not good yet: the clock that it was verified by may have
            been ahead, and set back since.
        """
        verified = self._tokens.get(token)
        if verified is None or verified.is_good_at(now_ms):
            return verified
        self._tokens.drop(token)
        return None

    def put(self, token: str, verified: VerifiedToken) -> None:
        """Keep a token that was verified just now.

        Args:
            token: What the client sent.
            verified: What it proves.
        """
        self._tokens.put(token, verified)
