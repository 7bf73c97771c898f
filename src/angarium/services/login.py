"""Exchanging a password for a token."""

import hmac
import math
from concurrent.futures import wait
from dataclasses import dataclass
from uuid import UUID

from angarium import deadline, logs
from angarium.clock import Clock
from angarium.domain.errors import Code, Refused, StoreUnavailable
from angarium.domain.identifiers import user_id_for
from angarium.domain.password import is_password
from angarium.domain.user import Principal, User, is_username
from angarium.ports.identity import PasswordHasher, TokenSigner
from angarium.ports.users import UserStore
from angarium.services.configured_passwords import ConfiguredPasswords
from angarium.services.login_refusals import LoginRefusals
from angarium.services.login_throttle import Attempt, LoginThrottle
from angarium.services.presence import Presence
from angarium.services.store_retry import StoreRetry

PRESENCE_S = 0.5
"""How long a login waits until its user counts as online; presence
decides nothing but a label (docs/adr/0010).
"""

STORE_OUT_S = 1.0
"""For this long after a failed look-up other logins fail at once. They
share one thread, and would queue behind each other's retries for longer
than the store may take (docs/adr/0011).
"""

_log = logs.get("angarium.services")


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """What a successful login gives.

    Attributes:
        access_token: The token.
        expires_in: Seconds for which it is valid.
        user_id: The user who logged in.
    """

    access_token: str
    expires_in: int
    user_id: UUID


class Login:
    """Logs users in; used by any thread."""

    def __init__(
        self,
        users: UserStore,
        hasher: PasswordHasher,
        signer: TokenSigner,
        throttle: LoginThrottle,
        presence: Presence,
        clock: Clock,
        token_ttl_s: int,
        retry: StoreRetry,
        configured: ConfiguredPasswords | None = None,
    ) -> None:
        """Put the parts together.

        Args:
            users: Keeps the password hashes.
            hasher: Compares passwords.
            signer: Issues tokens.
            throttle: Refuses callers that fail too often.
            presence: Notes users who logged in as online.
            clock: The time that tokens are issued at.
            token_ttl_s: Seconds for which a token is valid.
            retry: Repeats calls to the store.
            configured: Passwords that are not hashed yet.
        """
        self._configured = configured or ConfiguredPasswords()
        self._users = users
        self._hasher = hasher
        self._signer = signer
        self._throttle = throttle
        self._presence = presence
        self._clock = clock
        self._token_ttl_s = token_ttl_s
        self._retry = retry
        self._refusals = LoginRefusals(clock)
        self._store_out_until = -math.inf
        self._repeats = logs.Repeats(clock.monotonic)

    def start(self, username: str, password: str, address: str) -> "LoginAttempt":
        """Begin a login if the throttle allows it; never blocks.

        Args:
            username: As it was sent; an invalid one is an unknown user.
            password: As it was sent.
            address: The client's, for the throttle.

        Returns:
            The attempt, which must be finished or abandoned.

        Raises:
            Refused: `too_many_attempts`, or `overloaded`, with the
                seconds to wait.
        """
        counted = self._throttle.start(username, address)
        return LoginAttempt(self, username, password, address, counted)

    def check(self, username: str, password: str, address: str, attempt: Attempt) -> IssuedToken:
        """Check a password and issue a token.

        Blocks on the store and on the password hash.

        Args:
            username: As it was sent.
            password: As it was sent.
            address: The client's, for the log.
            attempt: The throttle's count, ended here.

        Returns:
            A new token.

        Raises:
            Refused: `invalid_credentials`, for an unknown user and a
                wrong password alike.
            StoreUnavailable: The store did not answer; the attempt does
                not count.
        """
        try:
            user = self._find(username)
            matches = self._matches(password, user)
        except BaseException:
            attempt.abandon()
            raise
        if user is None or not matches:
            attempt.fail()
            self._refusals.note(address, user.user_id if user is not None else None)
            raise Refused.because(
                Code.INVALID_CREDENTIALS,
                "The username or the password is wrong; check both and try again.",
            )
        attempt.succeed()
        return self._issue(user)

    def report(self, at_once: bool) -> None:
        """Log the line that sums up failed logins, when it is due.

        Args:
            at_once: True when the process stops, so that there is no
                later moment for it.
        """
        self._refusals.report(at_once)

    def _matches(self, password: str, user: User | None) -> bool:
        """Return whether a password is right, in the time of a hash.

        So the time shows neither whether the user exists nor whether
        the text can be a password (docs/adr/0011).
        """
        possible = is_password(password)
        expected = self._configured.of(user) if user is not None else None
        kept = user.password_hash if user is not None and expected is None else None
        matches = self._hasher.verify(password if possible else "", kept)
        if expected is not None:
            # The hash was computed for its time alone.
            matches = hmac.compare_digest(
                password.encode("utf-8", "surrogatepass"), expected.encode()
            )
        return matches and possible

    def _find(self, username: str) -> User | None:
        """Look a user up; no name that is invalid reaches the store."""
        if not is_username(username):
            return None
        if self._clock.monotonic() < self._store_out_until:
            raise StoreUnavailable("the store did not answer another login a moment ago")
        user_id = user_id_for(username)
        try:
            return self._retry(lambda: self._users.get(user_id))
        except StoreUnavailable:
            self._store_out_until = self._clock.monotonic() + STORE_OUT_S
            raise

    def _issue(self, user: User) -> IssuedToken:
        """Note the user as online, then make and log a token."""
        self._note(user.user_id)
        token = self._signer.issue(Principal(user.user_id, user.username), self._clock.now_ms())
        _log.info("token_issued", "A user logged in.", user_id=user.user_id)
        return IssuedToken(token, self._token_ttl_s, user.user_id)

    def _note(self, user_id: UUID) -> None:
        """Wait a moment until the user counts as online.

        Then a message that is sent after this login is stored as SENT.
        Logins have threads of their own, which may wait.
        """
        noted = self._presence.note_online(user_id)
        if noted is not None and not wait([noted], deadline.remaining(PRESENCE_S)).done:
            _log.limited_warning(
                self._repeats,
                "presence_late",
                "A user could not be noted as online in time.",
                user_id=user_id,
            )


class LoginAttempt:
    """A login that the throttle has allowed to begin."""

    __slots__ = ("_address", "_counted", "_login", "_password", "_username")

    def __init__(
        self, login: Login, username: str, password: str, address: str, counted: Attempt
    ) -> None:
        """Keep what was sent.

        Args:
            login: Checks it.
            username: As it was sent.
            password: As it was sent.
            address: The client's.
            counted: The throttle's count of it.
        """
        self._login = login
        self._username = username
        self._password = password
        self._address = address
        self._counted = counted

    def finish(self) -> IssuedToken:
        """Check the password, as `Login.check` does.

        Returns:
            A new token.

        Raises:
            Refused: `invalid_credentials`.
            StoreUnavailable: The store did not answer; the attempt does
                not count.
        """
        return self._login.check(self._username, self._password, self._address, self._counted)

    def abandon(self) -> None:
        """Undo the attempt: its client has gone, or queues are full."""
        self._counted.abandon()
