"""Who a request comes from."""

from angarium.clock import Clock
from angarium.domain.user import Principal
from angarium.ports.identity import TokenSigner
from angarium.services.presence import Presence
from angarium.services.token_cache import TokenCache


class Authentication:
    """Checks tokens, and notes their users as online; used by any thread, never blocks."""

    def __init__(
        self, signer: TokenSigner, presence: Presence, clock: Clock, cache_size: int = 10_000
    ) -> None:
        """Set up the memory of verified tokens.

        Args:
            signer: Verifies tokens.
            presence: Is told of each user.
            clock: Tells the time.
            cache_size: Verified tokens that are remembered.
        """
        self._signer = signer
        self._presence = presence
        self._clock = clock
        self._tokens = TokenCache(cache_size)

    def authenticate(self, token: str) -> Principal:
        """Tell whose token it is.

        Args:
            token: What the client sent.

        Returns:
            The caller.

        Raises:
            Refused: `invalid_token` or `expired_token`; no refused token is remembered.
        """
        now_ms = self._clock.now_ms()
        verified = self._tokens.get(token, now_ms)
        if verified is None:
            verified = self._signer.verify(token, now_ms)
            self._tokens.put(token, verified)
        principal = verified.principal
        self._presence.seen(principal.user_id)
        return principal
