"""Who a request comes from."""

from angarium.clock import Clock
from angarium.domain.user import Principal
from angarium.ports.identity import TokenSigner, VerifiedToken
from angarium.services.lru_cache import LruCache
from angarium.services.presence import Presence


class TokenCache:
    """Keeps verified tokens while they are good; used by any thread.

    A client sends the same token with each request, and one look into
    a cache is cheaper than a check of its signature (docs/adr/0011).
    """

    def __init__(self, size: int) -> None:
        """Set the bound.

        Args:
            size: Maximum number of tokens; the least recently used is
                dropped first.
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
            What it proves. None when it is not known, has expired, or
            is not good yet: the clock may have been ahead when it was
            verified, and was set back since.
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


class Authentication:
    """Checks tokens and notes their users as online.

    Used by any thread; never blocks.
    """

    def __init__(
        self, signer: TokenSigner, presence: Presence, clock: Clock, cache_size: int = 10_000
    ) -> None:
        """Set up the memory of verified tokens.

        Args:
            signer: Verifies tokens.
            presence: Notes each caller as online.
            clock: The time that tokens are compared with.
            cache_size: Maximum number of verified tokens in memory.
        """
        self._signer = signer
        self._presence = presence
        self._clock = clock
        self._tokens = TokenCache(cache_size)

    def authenticate(self, token: str) -> Principal:
        """Find out whose token it is.

        Args:
            token: What the client sent.

        Returns:
            The caller.

        Raises:
            Refused: `invalid_token` or `expired_token`; a refused
                token is not remembered.
        """
        now_ms = self._clock.now_ms()
        verified = self._tokens.get(token, now_ms)
        if verified is None:
            verified = self._signer.verify(token, now_ms)
            self._tokens.put(token, verified)
        principal = verified.principal
        self._presence.note_online(principal.user_id)
        return principal
