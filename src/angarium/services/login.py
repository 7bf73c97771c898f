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
from angarium.services.login_refusals import LoginRefusals
from angarium.services.login_throttle import Attempt, LoginThrottle
from angarium.services.presence import Presence
from angarium.services.store_retry import StoreRetry

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
    """Logs users in; used by any thread."""

    def __init__(
        self,
        users: UserStore,
        hasher: PasswordHasher,
        signer: TokenSigner,
        throttle: LoginThrottle,
        presence: Presence,
        clock: Clock,
        token_ttl: int,
        calls: StoreRetry,
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
        self._refusals = LoginRefusals(clock)
        self._repeats = logs.Repeats(clock.monotonic)

    def start(self, username: str, password: str, address: str) -> "LoginAttempt":
        """Ask whether a login may be tried; never blocks.

        Args:
            username: As it was sent; one that can be nobody's is an
                unknown user.
            password: As it was sent.
            address: Where the attempt comes from, for the throttle.

        Returns:
            The attempt, which must be finished or abandoned.

        Raises:
            Refused: `too_many_attempts`, or `overloaded`, with the
                seconds to wait.
        """
        counted = self._throttle.start(username, address)
        return LoginAttempt(self, username, password, address, counted)

    def check(self, username: str, password: str, address: str, attempt: Attempt) -> IssuedToken:
        """Check a password and issue a token; blocks on the store and
        on the password hash.

        Args:
            username: As it was sent.
            password: As it was sent.
            address: Where the attempt comes from, for the log.
            attempt: Is told how it ended.

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
            attempt.abandoned()
            raise
        if user is None or not matches:
            attempt.failed()
            self._refusals.note(address, user.user_id if user is not None else None)
            raise Refused.because(
                Code.INVALID_CREDENTIALS,
                "The username or the password is wrong; check both and try again.",
            )
        attempt.succeeded()
        return self._issue(user)

    def report(self, at_once: bool) -> None:
        """Write the line that sums up failed logins, when there is one
        and it is time.

        Args:
            at_once: Whether there will be no later moment for it.
        """
        self._refusals.report(at_once)

    def _matches(self, password: str, user: User | None) -> bool:
        """Compare a password, in the same time whatever it is and
        whether there is a user.

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
            matches = hmac.compare_digest(
                password.encode("utf-8", "surrogatepass"), expected.encode()
            )
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
        # Whoever holds a token is online already when the next message
        # is stored; this thread may wait.
        noted = self._presence.seen(user_id)
        if noted is not None and not wait([noted], deadline.remaining(PRESENCE_SECONDS)).done:
            _log.limited_warning(
                self._repeats,
                "presence_late",
                "Noting a user as online takes long.",
                user_id=user_id,
            )


class LoginAttempt:
    """A login that the throttle let begin."""

    __slots__ = ("_address", "_counted", "_login", "_password", "_username")

    def __init__(
        self, login: Login, username: str, password: str, address: str, counted: Attempt
    ) -> None:
        """Keep what was sent.

        Args:
            login: Checks it.
            username: As it was sent.
            password: As it was sent.
            address: Where the attempt comes from.
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
        """Take the attempt back, because nobody waits for it any more
        or there is no room for it.
        """
        self._counted.abandoned()
