from uuid import uuid4

import pytest

from angarium.domain.errors import Code, Refused, SetupError, StoreUnavailable
from angarium.domain.identifiers import user_id_for
from angarium.domain.user import User
from angarium.services.store_retry import StoreRetry
from angarium.services.users import Provisioning, Users
from tests.fakes.clock import ManualClock
from tests.fakes.passwords import CheapHasher
from tests.fakes.users import MemoryUsers

NO_NAMES = ["", "Alice", "a b", "é", "a" * 65, "alice\n", "\ud800"]


@pytest.fixture
def store() -> MemoryUsers:
    return MemoryUsers()


@pytest.fixture
def hasher() -> CheapHasher:
    return CheapHasher()


@pytest.fixture
def provisioning(store: MemoryUsers, hasher: CheapHasher, clock: ManualClock) -> Provisioning:
    return Provisioning(store, hasher, clock)


def test_a_user_is_found_by_name_and_by_id(store: MemoryUsers, provisioning: Provisioning) -> None:
    alice = provisioning.put("alice", "a password")
    users = Users(store, StoreRetry())
    assert users.by_name("alice") == alice
    assert users.by_id(alice.user_id) == alice


@pytest.mark.parametrize("username", ["bob", *NO_NAMES])
def test_an_unknown_name_is_not_found(store: MemoryUsers, username: str) -> None:
    with pytest.raises(Refused) as refusal:
        Users(store, StoreRetry()).by_name(username)
    (problem,) = refusal.value.problems
    assert problem.code == Code.USER_NOT_FOUND
    assert problem.detail.isascii()


def test_a_name_that_is_too_long_is_cut_visibly(store: MemoryUsers) -> None:
    with pytest.raises(Refused) as refusal:
        Users(store, StoreRetry()).by_name("a" * 5_000)
    (problem,) = refusal.value.problems
    assert f"the name '{'a' * 61}...'" in problem.detail


def test_an_unknown_id_is_not_found(store: MemoryUsers) -> None:
    with pytest.raises(Refused) as refusal:
        Users(store, StoreRetry()).by_id(uuid4())
    assert refusal.value.problems[0].code == Code.USER_NOT_FOUND


def test_a_store_that_stumbles_is_asked_again(clock: ManualClock) -> None:
    class Stumbling(MemoryUsers):
        stumbled = False

        def get(self, user_id: object) -> User | None:
            if not self.stumbled:
                self.stumbled = True
                raise StoreUnavailable("not now")
            return User(user_id_for("alice"), "alice", "", 1)

    users = Users(Stumbling(), StoreRetry(sleep=clock.sleep))
    assert users.by_name("alice").username == "alice"


def test_a_new_user_has_the_id_made_from_the_name(
    store: MemoryUsers, provisioning: Provisioning, clock: ManualClock
) -> None:
    alice = provisioning.put("alice", "a password")
    assert (alice.user_id, alice.username, alice.created_at) == (
        user_id_for("alice"),
        "alice",
        clock.now_ms(),
    )
    assert store.get(alice.user_id) == alice
    assert "a password" not in alice.password_hash


def test_putting_the_same_password_again_keeps_its_hash(provisioning: Provisioning) -> None:
    assert provisioning.put("alice", "a password") == provisioning.put("alice", "a password")


def test_another_password_replaces_the_hash_and_nothing_else(
    provisioning: Provisioning, hasher: CheapHasher, clock: ManualClock
) -> None:
    old = provisioning.put("alice", "old")
    clock.advance(60)
    new = provisioning.put("alice", "new")
    assert hasher.verify("new", new.password_hash)
    assert not hasher.verify("old", new.password_hash)
    assert (new.user_id, new.created_at) == (old.user_id, old.created_at)


def test_a_hash_is_kept_as_it_is(provisioning: Provisioning, hasher: CheapHasher) -> None:
    password_hash = hasher.hash("a password")
    assert provisioning.put_hash("alice", password_hash).password_hash == password_hash
    assert provisioning.put_hash("alice", password_hash).password_hash == password_hash
    other = hasher.hash("another")
    assert provisioning.put_hash("alice", other).password_hash == other


def test_a_hash_that_cannot_be_compared_is_refused_without_repeating_it(
    store: MemoryUsers, provisioning: Provisioning
) -> None:
    with pytest.raises(SetupError, match="'alice'") as error:
        provisioning.put_hash("alice", "$5$secretsalt$hash")
    assert "secretsalt" not in str(error.value)
    assert store.all() == []


@pytest.mark.parametrize("username", NO_NAMES)
def test_a_text_that_can_be_no_name_is_refused(
    store: MemoryUsers, provisioning: Provisioning, hasher: CheapHasher, username: str
) -> None:
    with pytest.raises(SetupError, match="is not a valid username"):
        provisioning.put(username, "a password")
    with pytest.raises(SetupError, match="is not a valid username"):
        provisioning.put_hash(username, hasher.hash("a password"))
    assert store.all() == []
