from uuid import uuid4

import pytest

from angarium.domain.errors import StoreUnavailable
from angarium.domain.user import User
from angarium.engines.cassandra.presence import CassandraPresence
from angarium.engines.cassandra.statements import Statement
from angarium.engines.cassandra.users import CassandraUsers
from tests.unit.engines.cassandra.conditional import ConditionalTables

ALICE = User(uuid4(), "alice", "a hash", 1)
CHANGED = User(ALICE.user_id, "alice", "another hash", 1)

failures = pytest.mark.parametrize("is_done", [False, True], ids=["undone", "done"])


@failures
@pytest.mark.parametrize(
    "statement", [Statement.USER, Statement.ADD_USER], ids=lambda each: each.name
)
def test_whichever_statement_fails_nobody_is_told_as_added_and_a_repeated_call_adds_them(
    statement: Statement, is_done: bool
) -> None:
    tables = ConditionalTables()
    users = CassandraUsers(tables.as_session())
    tables.failing[statement] = is_done
    with pytest.raises(StoreUnavailable):
        users.put(ALICE)
    assert users.put(ALICE) == users.get(ALICE.user_id) == ALICE


@failures
def test_a_password_that_could_not_be_changed_is_not_told_as_changed(is_done: bool) -> None:
    tables = ConditionalTables()
    users = CassandraUsers(tables.as_session())
    users.put(ALICE)
    tables.failing[Statement.CHANGE_PASSWORD] = is_done
    with pytest.raises(StoreUnavailable):
        users.put(CHANGED)
    assert users.put(CHANGED) == users.get(ALICE.user_id) == CHANGED


@failures
def test_nobody_is_told_as_seen_who_could_not_be_noted(is_done: bool) -> None:
    tables = ConditionalTables()
    tables.failing[Statement.TOUCH] = is_done
    noted = CassandraPresence(tables.as_session(), 30.0).touch(ALICE.user_id, 1)
    assert isinstance(noted.exception(0), StoreUnavailable)
