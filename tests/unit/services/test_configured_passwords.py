"""Configured passwords count at once, and are hashed beside serving."""

import threading
from collections.abc import Callable
from uuid import UUID

import pytest

from angarium.domain.errors import Code, Refused, StoreUnavailable
from angarium.domain.identifiers import user_id_for
from angarium.domain.user import User
from angarium.services.configured_passwords import (
    NO_PASSWORD_YET,
    ConfiguredPasswords,
    Credential,
    PasswordHashing,
    admit_users,
)
from angarium.services.login import Login
from angarium.services.login_throttle import LoginThrottle
from angarium.services.presence import Presence
from angarium.services.store_retry import StoreRetry
from tests.fakes.clock import ManualClock
from tests.fakes.passwords import CheapHasher
from tests.fakes.presence import MemoryPresence
from tests.fakes.tokens import PlainSigner
from tests.fakes.users import MemoryUsers
from tests.unit.services.log_lines import LogLines

ERIN = user_id_for("erin")


class CostlyHasher(CheapHasher):
    """Takes half a second of the clock for each hash, and does
    something else meanwhile.
    """

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock
        self.hashed = 0
        self.meanwhile: Callable[[], object] = lambda: None

    def hash(self, password: str) -> str:
        self.hashed += 1
        self._clock.advance(0.5)
        self.meanwhile()
        return super().hash(password)


class NotedPauses(threading.Event):
    """A stop that never comes, and the rests that were taken
    meanwhile.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rests: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.rests.append(timeout)
        return self.is_set()


class Accounts:
    """A store, a hasher, and a login that knows of configured
    passwords.
    """

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.users = MemoryUsers()
        self.hasher = CostlyHasher(clock)
        self.passwords = ConfiguredPasswords()
        self.stopping = NotedPauses()
        self.checking = CheapHasher()

    def start(self, *credentials: Credential) -> None:
        self.passwords = admit_users(self.users, credentials, self.clock)

    def hash_all(self) -> None:
        PasswordHashing(self.users, self.hasher, self.passwords, self.clock).run(self.stopping)

    def set_password(self, username: str, password: str) -> None:
        user = User(user_id_for(username), username, CheapHasher().hash(password), 1)
        self.users.put(user)

    def stored(self, user_id: UUID = ERIN) -> str:
        user = self.users.get(user_id)
        assert user is not None
        return user.password_hash

    def lets_in(self, username: str, password: str) -> bool:
        login = Login(
            self.users,
            self.checking,
            PlainSigner(ttl=3600),
            LoginThrottle(1000, 60, self.clock),
            Presence(MemoryPresence(), 30, self.clock),
            self.clock,
            3600,
            StoreRetry(),
            self.passwords,
        )
        try:
            login.start(username, password, "192.0.2.1").finish()
        except Refused as refused:
            if refused.problems[0].code != Code.INVALID_CREDENTIALS:
                raise
            return False
        return True


@pytest.fixture
def accounts(clock: ManualClock) -> Accounts:
    return Accounts(clock)


def test_a_start_hashes_nothing_and_knows_every_user(accounts: Accounts) -> None:
    accounts.set_password("frank", "an old one")
    accounts.start(
        *(Credential(name, f"{name} has a good one") for name in ("erin", "frank", "grace"))
    )
    assert accounts.hasher.hashed == 0
    assert [user.username for user in accounts.users.all()] == ["erin", "frank", "grace"]
    assert accounts.stored() == NO_PASSWORD_YET


@pytest.mark.parametrize("known", [False, True])
def test_a_configured_user_logs_in_before_the_hash_is_stored_and_after(
    accounts: Accounts, known: bool
) -> None:
    if known:
        accounts.set_password("erin", "an old one")
    accounts.start(Credential("erin", "a good one"))
    for _ in range(2):
        assert accounts.lets_in("erin", "a good one")
        assert not accounts.lets_in("erin", "an old one")
        assert not accounts.lets_in("erin", "")
        assert not accounts.lets_in("erin", NO_PASSWORD_YET)
        assert not accounts.lets_in("erin", "a good one\0")
        accounts.hash_all()
    assert accounts.hasher.verify("a good one", accounts.stored())


def test_a_login_that_needs_no_hash_costs_one_all_the_same(accounts: Accounts) -> None:
    accounts.start(Credential("erin", "a good one"))
    for password in ("a good one", "a wrong one"):
        accounts.lets_in("erin", password)
    accounts.lets_in("nobody", "a good one")
    assert accounts.checking.verified == [None, None, None]


def test_a_login_between_reading_the_user_and_comparing_is_never_refused(
    accounts: Accounts,
) -> None:
    accounts.set_password("erin", "an old one")
    accounts.start(Credential("erin", "a good one"))
    stale = accounts.users.get(ERIN)
    assert stale is not None
    accounts.hash_all()
    assert accounts.passwords.of(stale) == "a good one"


def test_nobody_logs_in_with_the_mark_of_a_user_without_a_password(accounts: Accounts) -> None:
    accounts.start(Credential("erin", "a good one"))
    accounts.passwords = ConfiguredPasswords()
    for password in (NO_PASSWORD_YET, "", "a good one"):
        assert not accounts.lets_in("erin", password)


def test_a_stored_hash_that_matches_is_kept(accounts: Accounts) -> None:
    accounts.set_password("erin", "a good one")
    before = accounts.stored()
    accounts.start(Credential("erin", "a good one"))
    accounts.hash_all()
    assert accounts.stored() == before
    assert accounts.hasher.hashed == 0


def test_a_configured_hash_is_stored_at_the_start_and_is_not_hashed(accounts: Accounts) -> None:
    password_hash = CheapHasher().hash("a good one")
    accounts.set_password("frank", "an old one")
    accounts.start(
        Credential("erin", password_hash=password_hash),
        Credential("frank", password_hash=password_hash),
    )
    assert accounts.stored() == accounts.stored(user_id_for("frank")) == password_hash
    assert accounts.passwords.items() == ()


def test_nothing_is_written_for_users_who_are_as_configured(accounts: Accounts) -> None:
    class ReadOnly(MemoryUsers):
        closed = False

        def put(self, user: User) -> User:
            assert not self.closed, user
            return super().put(user)

    accounts.users = store = ReadOnly()
    credentials = [
        Credential("erin", password_hash=CheapHasher().hash("a good one")),
        Credential("frank", "a good one"),
    ]
    accounts.start(*credentials)
    accounts.hash_all()
    store.closed = True
    accounts.start(*credentials)
    accounts.hash_all()


def test_a_password_that_is_set_after_the_start_stands(accounts: Accounts) -> None:
    accounts.start(Credential("erin", "a good one"))
    accounts.set_password("erin", "another one")
    assert accounts.lets_in("erin", "another one")
    assert not accounts.lets_in("erin", "a good one")
    accounts.hash_all()
    assert accounts.lets_in("erin", "another one")
    assert accounts.hasher.hashed == 0


def test_a_password_that_is_set_while_the_configured_one_is_hashed_stands(
    accounts: Accounts,
) -> None:
    accounts.start(Credential("erin", "a good one"))
    accounts.hasher.meanwhile = lambda: accounts.set_password("erin", "another one")
    accounts.hash_all()
    assert accounts.lets_in("erin", "another one")
    assert not accounts.lets_in("erin", "a good one")


def test_a_start_that_was_killed_in_the_middle_goes_on_with_the_next_one(
    accounts: Accounts,
) -> None:
    credentials = [Credential(name, "a good one") for name in ("erin", "frank")]
    accounts.start(*credentials)
    accounts.hasher.meanwhile = accounts.stopping.set
    accounts.hash_all()
    assert accounts.hasher.hashed == 1
    accounts.stopping = NotedPauses()
    accounts.hasher.meanwhile = lambda: None
    accounts.start(*credentials)
    assert accounts.lets_in("erin", "a good one")
    assert accounts.lets_in("frank", "a good one")
    accounts.hash_all()
    assert accounts.hasher.hashed == 2
    accounts.passwords = ConfiguredPasswords()
    assert accounts.lets_in("erin", "a good one")
    assert accounts.lets_in("frank", "a good one")


def test_it_rests_for_as_long_as_it_works(accounts: Accounts) -> None:
    accounts.start(*(Credential(f"u{number}", "a good one") for number in range(4)))
    accounts.hash_all()
    assert accounts.stopping.rests == [0.5, 0.5, 0.5]


def test_a_store_that_is_away_is_tried_again_ever_more_rarely(
    accounts: Accounts, lines: LogLines
) -> None:
    class Away(MemoryUsers):
        failures = 0

        def get(self, user_id: UUID) -> User | None:
            if self.failures:
                self.failures -= 1
                raise StoreUnavailable("node 3 is silent")
            return super().get(user_id)

    accounts.users = store = Away()
    accounts.start(Credential("erin", "a good one"))
    store.failures = 3
    accounts.hash_all()
    first, second, third = (rest or 0.0 for rest in accounts.stopping.rests)
    assert 0.1 <= first <= 0.2 <= second <= 0.4 <= third <= 0.8
    assert accounts.hasher.verify("a good one", accounts.stored())
    assert (len(lines.of("retry")), len(lines.of("passwords_stored"))) == (3, 1)
    assert "a good one" not in lines.text()
