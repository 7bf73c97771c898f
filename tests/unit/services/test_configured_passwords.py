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


class Town:
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
def town(clock: ManualClock) -> Town:
    return Town(clock)


def test_a_start_hashes_nothing_and_knows_every_user(town: Town) -> None:
    town.set_password("frank", "an old one")
    town.start(
        *(Credential(name, f"{name} has a good one") for name in ("erin", "frank", "grace"))
    )
    assert town.hasher.hashed == 0
    assert [user.username for user in town.users.all()] == ["erin", "frank", "grace"]
    assert town.stored() == NO_PASSWORD_YET


@pytest.mark.parametrize("known", [False, True])
def test_a_configured_user_logs_in_before_the_hash_is_stored_and_after(
    town: Town, known: bool
) -> None:
    if known:
        town.set_password("erin", "an old one")
    town.start(Credential("erin", "a good one"))
    for _ in range(2):
        assert town.lets_in("erin", "a good one")
        assert not town.lets_in("erin", "an old one")
        assert not town.lets_in("erin", "")
        assert not town.lets_in("erin", NO_PASSWORD_YET)
        assert not town.lets_in("erin", "a good one\0")
        town.hash_all()
    assert town.hasher.verify("a good one", town.stored())


def test_a_login_that_needs_no_hash_costs_one_all_the_same(town: Town) -> None:
    town.start(Credential("erin", "a good one"))
    for password in ("a good one", "a wrong one"):
        town.lets_in("erin", password)
    town.lets_in("nobody", "a good one")
    assert town.checking.verified == [None, None, None]


def test_a_login_between_reading_the_user_and_comparing_is_never_refused(town: Town) -> None:
    town.set_password("erin", "an old one")
    town.start(Credential("erin", "a good one"))
    stale = town.users.get(ERIN)
    assert stale is not None
    town.hash_all()
    assert town.passwords.of(stale) == "a good one"


def test_nobody_logs_in_with_the_mark_of_a_user_without_a_password(town: Town) -> None:
    town.start(Credential("erin", "a good one"))
    town.passwords = ConfiguredPasswords()
    for password in (NO_PASSWORD_YET, "", "a good one"):
        assert not town.lets_in("erin", password)


def test_a_stored_hash_that_matches_is_kept(town: Town) -> None:
    town.set_password("erin", "a good one")
    before = town.stored()
    town.start(Credential("erin", "a good one"))
    town.hash_all()
    assert town.stored() == before
    assert town.hasher.hashed == 0


def test_a_configured_hash_is_stored_at_the_start_and_is_not_hashed(town: Town) -> None:
    password_hash = CheapHasher().hash("a good one")
    town.set_password("frank", "an old one")
    town.start(
        Credential("erin", password_hash=password_hash),
        Credential("frank", password_hash=password_hash),
    )
    assert town.stored() == town.stored(user_id_for("frank")) == password_hash
    assert town.passwords.items() == ()


def test_nothing_is_written_for_users_who_are_as_configured(town: Town) -> None:
    class ReadOnly(MemoryUsers):
        closed = False

        def put(self, user: User) -> User:
            assert not self.closed, user
            return super().put(user)

    town.users = store = ReadOnly()
    credentials = [
        Credential("erin", password_hash=CheapHasher().hash("a good one")),
        Credential("frank", "a good one"),
    ]
    town.start(*credentials)
    town.hash_all()
    store.closed = True
    town.start(*credentials)
    town.hash_all()


def test_a_password_that_is_set_after_the_start_stands(town: Town) -> None:
    town.start(Credential("erin", "a good one"))
    town.set_password("erin", "another one")
    assert town.lets_in("erin", "another one")
    assert not town.lets_in("erin", "a good one")
    town.hash_all()
    assert town.lets_in("erin", "another one")
    assert town.hasher.hashed == 0


def test_a_password_that_is_set_while_the_configured_one_is_hashed_stands(town: Town) -> None:
    town.start(Credential("erin", "a good one"))
    town.hasher.meanwhile = lambda: town.set_password("erin", "another one")
    town.hash_all()
    assert town.lets_in("erin", "another one")
    assert not town.lets_in("erin", "a good one")


def test_a_start_that_was_killed_in_the_middle_goes_on_with_the_next_one(town: Town) -> None:
    credentials = [Credential(name, "a good one") for name in ("erin", "frank")]
    town.start(*credentials)
    town.hasher.meanwhile = town.stopping.set
    town.hash_all()
    assert town.hasher.hashed == 1
    town.stopping = NotedPauses()
    town.hasher.meanwhile = lambda: None
    town.start(*credentials)
    assert town.lets_in("erin", "a good one")
    assert town.lets_in("frank", "a good one")
    town.hash_all()
    assert town.hasher.hashed == 2
    town.passwords = ConfiguredPasswords()
    assert town.lets_in("erin", "a good one")
    assert town.lets_in("frank", "a good one")


def test_it_rests_for_as_long_as_it_works(town: Town) -> None:
    town.start(*(Credential(f"u{number}", "a good one") for number in range(4)))
    town.hash_all()
    assert town.stopping.rests == [0.5, 0.5, 0.5]


def test_a_store_that_is_away_is_tried_again_ever_more_rarely(town: Town, lines: LogLines) -> None:
    class Away(MemoryUsers):
        failures = 0

        def get(self, user_id: UUID) -> User | None:
            if self.failures:
                self.failures -= 1
                raise StoreUnavailable("node 3 is silent")
            return super().get(user_id)

    town.users = store = Away()
    town.start(Credential("erin", "a good one"))
    store.failures = 3
    town.hash_all()
    first, second, third = (rest or 0.0 for rest in town.stopping.rests)
    assert 0.1 <= first <= 0.2 <= second <= 0.4 <= third <= 0.8
    assert town.hasher.verify("a good one", town.stored())
    assert (len(lines.of("retry")), len(lines.of("passwords_stored"))) == (3, 1)
    assert "a good one" not in lines.text()
