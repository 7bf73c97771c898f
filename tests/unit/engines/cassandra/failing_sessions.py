"""Sessions of which one statement goes wrong, or is answered late."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import cast

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.row_mapping import Rows
from angarium.engines.cassandra.session import CassandraSession, Request
from angarium.engines.cassandra.statements import Statement
from angarium.futures import failed
from tests.unit.engines.cassandra.tables import Tables, Values


class FailingOnce:
    """Asks the tables; one statement fails the first time, before it
    was done or after.
    """

    def __init__(self, tables: Tables, statement: Statement, is_done: bool) -> None:
        self._tables = tables
        self._statement = statement
        self._is_done = is_done
        self.has_failed = False

    def as_session(self) -> CassandraSession:
        """Give it to whoever takes a session."""
        return cast("CassandraSession", self)

    def submit(self, statement: Statement, parameters: Values = ()) -> "Future[Rows]":
        return self._ask({statement}, lambda: self._tables.submit(statement, parameters))

    def submit_batch(self, writes: Sequence[Request]) -> "Future[Rows]":
        return self._ask(
            {statement for statement, _ in writes}, lambda: self._tables.submit_batch(writes)
        )

    def _ask(
        self, statements: Collection[Statement], ask: Callable[[], "Future[Rows]"]
    ) -> "Future[Rows]":
        if self._statement not in statements or self.has_failed:
            return ask()
        self.has_failed = True
        if self._is_done:
            ask()
        return failed(StoreUnavailable("one copy of two answered"))


class HeldSession:
    """Asks the tables; the answers to one statement come when they are
    let go.
    """

    def __init__(self, tables: Tables, statement: Statement) -> None:
        self._tables = tables
        self._statement = statement
        self._held: list[tuple[Future[Rows], Future[Rows]]] = []

    def as_session(self) -> CassandraSession:
        """Give it to whoever takes a session."""
        return cast("CassandraSession", self)

    @property
    def holds(self) -> bool:
        """Whether an answer is held back."""
        return bool(self._held)

    def let_go(self) -> None:
        """Answer what was asked so far."""
        held, self._held = self._held, []
        for late, answer in held:
            late.set_result(answer.result(0))

    def submit(self, statement: Statement, parameters: Values = ()) -> "Future[Rows]":
        return self._answer({statement}, self._tables.submit(statement, parameters))

    def submit_batch(self, writes: Sequence[Request]) -> "Future[Rows]":
        statements = {statement for statement, _ in writes}
        return self._answer(statements, self._tables.submit_batch(writes))

    def _answer(self, statements: Collection[Statement], answer: "Future[Rows]") -> "Future[Rows]":
        if self._statement not in statements:
            return answer
        late: Future[Rows] = Future()
        self._held.append((late, answer))
        return late
