from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from uuid import UUID

import pytest

from angarium import deadline
from angarium.domain.errors import Code, Refused, StoreUnavailable
from angarium.domain.identifiers import user_id_for
from angarium.domain.user import Principal, User
from angarium.services.login import STORE_OUT_S, IssuedToken, Login
from angarium.services.login_throttle import LoginThrottle
from angarium.services.presence import Presence
from angarium.services.store_retry import StoreRetry
from tests.fakes.clock import ManualClock
from tests.fakes.passwords import CheapHasher
from tests.fakes.presence import MemoryPresence
from tests.fakes.tokens import PlainSigner
from tests.fakes.users import MemoryUsers
from tests.unit.services.log_lines import LogLines

HOME = "192.0.2.1"
ALICE = user_id_for("alice")


class Door:
    """A login with its parts at hand; alice's password is `right`."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.users = FailingUsers()
        self.hasher = CheapHasher()
        self.signer = PlainSigner(ttl=3600)
        self.presence = MemoryPresence()
        self.login = Login(
            self.users,
            self.hasher,
            self.signer,
            LoginThrottle(3, 60, clock),
            Presence(self.presence, 30, clock),
            clock,
            3600,
            StoreRetry(),
        )
        self.users.put(User(ALICE, "alice", self.hasher.hash("right"), 1))

    def log_in(self, username: str, password: str, address: str = HOME) -> IssuedToken:
        return self.login.start(username, password, address).finish()

    def code_of(self, username: str, password: str) -> Code:
        with pytest.raises(Refused) as refusal:
            self.log_in(username, password, HOME)
        return refusal.value.problems[0].code


class FailingUsers(MemoryUsers):
    """Users in memory that cannot be reached while `silent` is set."""

    silent = False
    asked = 0

    def get(self, user_id: UUID) -> User | None:
        self.asked += 1
        if self.silent:
            raise StoreUnavailable("node 3 is silent")
        return super().get(user_id)


class NeverNoted:
    """A store of presence that never answers."""

    def touch(self, user_id: UUID, seen_at: int) -> Future[None]:
        return Future()

    def last_seen(self, user_ids: Sequence[UUID]) -> Future[Mapping[UUID, int]]:
        return Future()


@pytest.fixture
def door(clock: ManualClock) -> Door:
    return Door(clock)


def test_the_right_password_gives_a_token_for_its_user(door: Door) -> None:
    issued = door.log_in("alice", "right", HOME)
    assert (issued.user_id, issued.expires_in) == (ALICE, 3600)
    verified = door.signer.verify(issued.access_token, door.clock.now_ms())
    assert verified.principal == Principal(ALICE, "alice")


def test_an_unknown_user_and_a_wrong_password_are_told_alike(door: Door) -> None:
    refusals = []
    for username in ("alice", "nobody", "Alice", "", "alice\x00", "\ud800", "a" * 65):
        with pytest.raises(Refused) as refusal:
            door.log_in(username, "wrong", HOME)
        refusals.append(refusal.value.problems)
    assert {problems[0].code for problems in refusals} == {Code.INVALID_CREDENTIALS}
    assert len(set(refusals)) == 1


@pytest.mark.parametrize("nobodys", ["right\0", "\0right", "right\0\0", "x" * 1025, "ä" * 513])
def test_what_can_be_no_password_is_refused_like_a_wrong_one_at_the_same_cost(
    door: Door, nobodys: str
) -> None:
    door.users.put(User(ALICE, "alice", door.hasher.hash(nobodys), 1))
    assert door.code_of("alice", nobodys) == Code.INVALID_CREDENTIALS
    kept = door.users.get(ALICE)
    assert kept is not None
    assert door.hasher.verified == [kept.password_hash]


def test_nothing_is_never_the_password_instead_of_what_can_be_none(door: Door) -> None:
    door.users.put(User(ALICE, "alice", door.hasher.hash(""), 1))
    assert door.code_of("alice", "x" * 1025) == Code.INVALID_CREDENTIALS


@pytest.mark.parametrize("longest", ["x" * 1024, "ä" * 512])
def test_the_longest_password_is_one(door: Door, longest: str) -> None:
    door.users.put(User(ALICE, "alice", door.hasher.hash(longest), 1))
    assert door.log_in("alice", longest, HOME).user_id == ALICE


def test_a_hash_is_computed_for_an_unknown_user_too(door: Door) -> None:
    door.code_of("nobody", "wrong")
    door.code_of("no name at all!", "wrong")
    assert door.hasher.verified == [None, None]


def test_too_many_failures_refuse_the_right_password_too_until_the_window_has_passed(
    door: Door,
) -> None:
    for _ in range(3):
        assert door.code_of("alice", "wrong") == Code.INVALID_CREDENTIALS
    assert door.code_of("alice", "right") == Code.TOO_MANY_ATTEMPTS
    door.clock.advance(60)
    assert door.log_in("alice", "right", HOME).user_id == ALICE


def test_a_refused_attempt_costs_no_hash(door: Door) -> None:
    for _ in range(3):
        door.code_of("alice", "wrong")
    hashed = len(door.hasher.verified)
    door.code_of("alice", "right")
    assert len(door.hasher.verified) == hashed


def test_a_success_clears_the_count(door: Door) -> None:
    for _ in range(3):
        door.code_of("alice", "wrong")
        door.code_of("alice", "wrong")
        door.log_in("alice", "right", HOME)


def test_an_attempt_that_the_store_did_not_answer_does_not_count(door: Door) -> None:
    door.users.silent = True
    for _ in range(10):
        with deadline.within(0), pytest.raises(StoreUnavailable):
            door.log_in("alice", "right", HOME)
        door.clock.advance(STORE_OUT_S)
    door.users.silent = False
    assert door.log_in("alice", "right", HOME).user_id == ALICE


def test_while_the_store_is_out_logins_do_not_wait_for_each_others_tries(door: Door) -> None:
    """They share one thread, on which each would try for 1.8 s."""
    door.users.silent = True
    for name in ("alice", "bob", "carol"):
        with deadline.within(0), pytest.raises(StoreUnavailable):
            door.log_in(name, "right", HOME)
    assert door.users.asked == 1
    door.users.silent = False
    with pytest.raises(StoreUnavailable):
        door.log_in("alice", "right", HOME)
    door.clock.advance(STORE_OUT_S)
    assert door.log_in("alice", "right", HOME).user_id == ALICE


def test_whoever_logs_in_counts_as_seen_and_whoever_fails_does_not(door: Door) -> None:
    door.code_of("alice", "wrong")
    assert door.presence.last_seen([ALICE]).result(0) == {}
    door.log_in("alice", "right", HOME)
    assert door.presence.last_seen([ALICE]).result(0) == {ALICE: door.clock.now_ms()}


def test_a_slow_note_of_presence_delays_a_login_no_longer_than_its_bound(
    clock: ManualClock, lines: LogLines
) -> None:
    door = Door(clock)
    door.login._presence = Presence(NeverNoted(), 30, clock)
    with deadline.within(0.05):
        assert door.log_in("alice", "right", HOME).user_id == ALICE
    assert len(lines.of("presence_late")) == 1


def test_a_new_password_counts_at_once(door: Door) -> None:
    door.log_in("alice", "right", HOME)
    door.users.put(User(ALICE, "alice", door.hasher.hash("new"), 1))
    assert door.code_of("alice", "right") == Code.INVALID_CREDENTIALS
    assert door.log_in("alice", "new", HOME).user_id == ALICE


def test_no_line_holds_a_password_a_token_or_a_name_that_may_be_a_password(
    door: Door, lines: LogLines
) -> None:
    issued = door.log_in("alice", "right", HOME)
    door.code_of("alice", "mistaken-secret")
    door.code_of("my-password-in-the-wrong-field", "mistaken-secret")
    written = lines.text()
    assert len(lines.of("token_issued")) == 1
    assert [line.get("user_id") for line in lines.of("login_refused")] == [ALICE, None]
    for secret in (
        "right",
        "mistaken-secret",
        "my-password-in-the-wrong-field",
        issued.access_token,
    ):
        assert secret not in written


def test_of_the_logins_whose_note_is_slow_one_is_told_in_a_while(
    clock: ManualClock, lines: LogLines
) -> None:
    door = Door(clock)
    for _ in range(2):
        for _ in range(3):
            door.login._presence = Presence(NeverNoted(), 30, clock)
            with deadline.within(0.05):
                door.log_in("alice", "right", HOME)
        clock.advance(10.0)
    assert lines.levels("presence_late") == ["WARNING", "DEBUG", "DEBUG"] * 2
