"""Exchanging a password for a token."""

import hmac
from concurrent.futures import wait
from dataclasses import dataclass
from uuid import UUID

from angarium import deadline, logs
from angarium.clock import Clock
from angarium.domain.errors import Code, Refused
from angarium.domain.identifiers import user_id_for
from angarium.domain.password import is_password
from angarium.domain.user import Principal, User, is_username
from angarium.ports.identity import PasswordHasher, TokenSigner
from angarium.ports.users import UserStore
from angarium.services.configured_passwords import ConfiguredPasswords
from angarium.services.login_throttle import LoginThrottle
from angarium.services.presence import Presence
from angarium.services.store_calls import StoreCalls

PRESENCE_SECONDS = 0.5

_log = logs.get("angarium.login")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """What a successful login gives.

    Attributes:
        access_token: The token.
        expires_in: Seconds for which it is good.
        user_id: Whose it is.
    """

    access_token: str
    expires_in: int
    user_id: UUID


class Login:
    """Logs users in; blocks on the store and on the password hash; used by any thread."""

    def __init__(
        self,
        users: UserStore,
        hasher: PasswordHasher,
        signer: TokenSigner,
        throttle: LoginThrottle,
        presence: Presence,
        clock: Clock,
        token_ttl: int,
        calls: StoreCalls,
        configured: ConfiguredPasswords | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            users: Keeps the password hashes.
            hasher: Compares passwords.
            signer: Issues tokens.
            throttle: Refuses whoever fails too often.
            presence: Is told of users who logged in.
            clock: Tells the time.
            token_ttl: Seconds for which a token is good.
            calls: Asks the store.
            configured: Passwords that are not hashed yet.
        """
        self._configured = configured or ConfiguredPasswords()
        self._users = users
        self._hasher = hasher
        self._signer = signer
        self._throttle = throttle
        self._presence = presence
        self._clock = clock
        self._token_ttl = token_ttl
        self._calls = calls

    def login(self, username: str, password: str, address: str) -> IssuedToken:
        """Check a password and issue a token.

        Args:
            username: As it was sent; one that can be nobody's is an unknown user.
            password: As it was sent.
            address: Where the attempt comes from, for the throttle.

        Returns:
            A new token.

        Raises:
            Refused: `invalid_credentials`, for an unknown user and a wrong password alike; or
                `too_many_attempts`, or `overloaded`, with the seconds to wait.
            StoreUnavailable: The store did not answer; the attempt does not count.
        """
        attempt = self._throttle.start(username, address)
        try:
            user = self._find(username)
            matches = self._matches(password, user)
        except BaseException:
            attempt.abandoned()
            raise
        if user is None or not matches:
            attempt.failed()
            # The name is not written down: people type their password into the wrong field.
            _log.warning(
                "login_refused",
                "A login failed: unknown user or wrong password.",
                address=address,
                **({"user_id": user.user_id} if user is not None else {}),
            )
            raise Refused.because(
                Code.INVALID_CREDENTIALS, "The username or the password is wrong; check both and try again."
            )
        attempt.succeeded()
        return self._issue(user)

    def _matches(self, password: str, user: User | None) -> bool:
        """Compare a password, in the same time whatever it is and whether there is a user.

        Args:
            password: As it was sent.
            user: Whose it should be, None for nobody's.

        Returns:
            True when it is the user's.
        """
        possible = is_password(password)
        expected = self._configured.of(user) if user is not None else None
        kept = user.password_hash if user is not None and expected is None else None
        matches = self._hasher.verify(password if possible else "", kept)
        if expected is not None:
            # The hash was computed for its time alone.
            matches = hmac.compare_digest(password.encode("utf-8", "surrogatepass"), expected.encode())
        return matches and possible

    def _find(self, username: str) -> User | None:
        if not is_username(username):
            return None
        user_id = user_id_for(username)
        return self._calls(lambda: self._users.get(user_id))

    def _issue(self, user: User) -> IssuedToken:
        self._note(user.user_id)
        token = self._signer.issue(Principal(user.user_id, user.username), self._clock.now_ms())
        _log.info("token_issued", "A user logged in.", user_id=user.user_id)
        return IssuedToken(token, self._token_ttl, user.user_id)

    def _note(self, user_id: UUID) -> None:
        # Whoever holds a token is online already when the next message is stored; this thread may wait.
        noted = self._presence.seen(user_id)
        if noted is not None and not wait([noted], deadline.remaining(PRESENCE_SECONDS)).done:
            _log.warning("presence_late", "Noting a user as online takes long.", user_id=user_id)
