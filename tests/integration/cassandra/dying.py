"""Workers that stop in the middle of a call: some requests reach Cassandra, the rest never, or late."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import cast

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.rows import Rows
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.statements import Statement
from tests.fakes.futures import failed


class Dying:
    """Asks as often as it may, then no more."""

    def __init__(self, session: CassandraSession, requests: int, last_answer_lost: bool = False) -> None:
        self._session = session
        self._left = requests
        self._last_answer_lost = last_answer_lost

    @property
    def survived(self) -> bool:
        """Whether there was nothing left to ask."""
        return self._left > 0

    def as_session(self) -> CassandraSession:
        """Give it to whoever takes a session."""
        return cast("CassandraSession", self)

    def submit(self, statement: Statement, parameters: Sequence[object] = ()) -> "Future[Rows]":
        return self._ask(lambda: self._session.submit(statement, parameters))

    def submit_batch(self, statement: Statement, rows: Sequence[Sequence[object]]) -> "Future[Rows]":
        return self._ask(lambda: self._session.submit_batch(statement, rows))

    def _ask(self, ask: Callable[[], "Future[Rows]"]) -> "Future[Rows]":
        self._left -= 1
        if self._left < 0:
            return failed(StoreUnavailable("dead"))
        answer = ask()
        return _lost(answer) if self._left == 0 and self._last_answer_lost else answer


def _lost(answer: "Future[Rows]") -> "Future[Rows]":
    unheard: Future[Rows] = Future()
    answer.add_done_callback(lambda _: unheard.set_exception(StoreUnavailable("dead before the answer")))
    return unheard


class Sleeping:
    """Asks once, and does not hear the answer until it is woken up."""

    def __init__(self, session: CassandraSession) -> None:
        self._session = session
        self._first: Future[Rows] | None = None
        self._heard: Future[Rows] = Future()

    def as_session(self) -> CassandraSession:
        """Give it to whoever takes a session."""
        return cast("CassandraSession", self)

    def wait_until_asleep(self) -> None:
        """Wait until Cassandra has answered."""
        assert self._first is not None
        self._first.result(30.0)

    def wake_up(self) -> None:
        """Hear the answer, and go on."""
        assert self._first is not None
        self._heard.set_result(self._first.result())

    def submit(self, statement: Statement, parameters: Sequence[object] = ()) -> "Future[Rows]":
        answer = self._session.submit(statement, parameters)
        if self._first is not None:
            return answer
        self._first = answer
        return self._heard

    def submit_batch(self, statement: Statement, rows: Sequence[Sequence[object]]) -> "Future[Rows]":
        return self._session.submit_batch(statement, rows)
