"""Conversations, users and presence as Cassandra keeps them by
conditional writes, answered from memory.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import cast
from uuid import UUID

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.row_mapping import Row, Rows
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from angarium.futures import done, failed
from tests.unit.engines.cassandra.tables import Values

GIVE_UP_S = 30.0


class ConditionalTables:
    """Stands for a session; used by any thread.

    Attributes:
        asked: Every statement so far.
        failing: Statements that fail the next time, each with whether
            it is done all the same.
        gate: Conditional writes wait until it is open.
    """

    def __init__(self) -> None:
        self.asked: list[Statement] = []
        self.failing: dict[Statement, bool] = {}
        self.gate = threading.Event()
        self.gate.set()
        self.lists: dict[UUID, set[UUID]] = {}
        self._rows: dict[UUID, Row] = {}
        self._answers: dict[Statement, Callable[..., Rows]] = {
            Statement.CONVERSATION: self._get,
            Statement.ADD_CONVERSATION: self._add,
            Statement.ADD_CONVERSATION_OF_USER: self._list,
            Statement.USER: self._get,
            Statement.ADD_USER: self._add,
            Statement.CHANGE_PASSWORD: self._change,
            Statement.TOUCH: lambda *_: (),
        }

    def as_session(self) -> CassandraSession:
        """Give it to whoever takes a session."""
        return cast("CassandraSession", self)

    def submit(self, statement: Statement, parameters: Values = ()) -> "Future[Rows]":
        self.asked.append(statement)
        is_done = self.failing.pop(statement, None)
        if is_done is None:
            return done(self._answers[statement](*parameters))
        if is_done:
            self._answers[statement](*parameters)
        return failed(StoreUnavailable("one copy of two answered"))

    def execute(self, statement: Statement, parameters: Values = ()) -> Rows:
        return self.wait(self.submit(statement, parameters))

    def wait(self, future: "Future[Rows]") -> Rows:
        return future.result(0)

    def _get(self, key: UUID) -> Rows:
        return [self._rows[key]] if key in self._rows else ()

    def _add(self, key: UUID, *values: object) -> Rows:
        assert self.gate.wait(GIVE_UP_S)
        self._rows.setdefault(key, (key, *values))
        return ()

    def _list(self, user_id: UUID, _created_at: int, conversation_id: UUID, _other: UUID) -> Rows:
        self.lists.setdefault(user_id, set()).add(conversation_id)
        return ()

    def _change(self, password_hash: str, user_id: UUID) -> Rows:
        _, name, _, created_at = self._rows[user_id]
        self._rows[user_id] = (user_id, name, password_hash, created_at)
        return ()
