from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from angarium.domain.identifiers import user_id_for
from angarium.domain.user import User
from angarium.ports.users import UserStore
from tests.contract.ports.engine import Stores

START = 1_700_000_000_000
HASH = "$scrypt$ln=14,r=8,p=5$c2FsdA$aGFzaA"


def user(name: str, password_hash: str = HASH, created_at: int = START) -> User:
    return User(user_id_for(name), name, password_hash, created_at)


@pytest.fixture
def name() -> str:
    return f"user-{uuid4().hex}"


def test_a_user_is_found_as_put(users: UserStore, name: str) -> None:
    assert users.put(user(name)) == user(name)
    assert users.get(user_id_for(name)) == user(name)


def test_a_user_that_nobody_put_is_not_there(users: UserStore) -> None:
    assert users.get(uuid4()) is None


def test_putting_again_changes_the_password_and_nothing_else(users: UserStore, name: str) -> None:
    users.put(user(name))
    changed = user(name, HASH + "2", START + 5_000)
    assert users.put(changed) == replace(changed, created_at=START)
    assert users.get(user_id_for(name)) == replace(changed, created_at=START)


def test_putting_the_same_again_changes_nothing(users: UserStore, name: str) -> None:
    assert users.put(user(name)) == users.put(user(name)) == users.get(user_id_for(name))


def test_all_users_are_listed_by_name(users: UserStore, name: str) -> None:
    names = [name + end for end in ("-b", ".a", "_c", "0", "a", "-a")]
    for each in names:
        users.put(user(each))
    listed = [each.username for each in users.all()]
    assert listed == sorted(listed)
    assert [each for each in listed if each in names] == sorted(names)


def test_racing_puts_of_one_user_make_one_user(users: UserStore, name: str) -> None:
    candidates = [user(name, f"{HASH}{number}", START + number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        put = list(pool.map(users.put, candidates))
    found = users.get(user_id_for(name))
    assert found is not None
    assert found.password_hash in {each.password_hash for each in candidates}
    assert {each.created_at for each in put} == {found.created_at}
    assert [each for each in users.all() if each.username == name] == [found]


def test_a_user_put_by_another_process_is_seen_at_once(stores: Stores, name: str) -> None:
    assert stores.users.get(user_id_for(name)) is None
    stores.users_elsewhere.put(user(name))
    assert stores.users.get(user_id_for(name)) == user(name)
    stores.users_elsewhere.put(user(name, HASH + "2"))
    assert stores.users.get(user_id_for(name)) == user(name, HASH + "2")
