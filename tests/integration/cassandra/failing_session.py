"""Processes that stop in the middle of a call: some requests reach
Cassandra, the rest never, or late.
"""

from collections.abc import Callable, Container, Sequence
from concurrent.futures import Future
from enum import Enum
from typing import cast

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.row_mapping import Rows
from angarium.engines.cassandra.session import CassandraSession, Request
from angarium.engines.cassandra.statements import Statement
from angarium.futures import done, failed


class Failure(Enum):
    """What happens at a request."""

    DIES_BEFORE = "dies before"
    DIES_AFTER = "dies after"
    FAILS_ONCE = "fails once"


class FailingSession:
    """Asks as Cassandra's session does until one request goes wrong,
    and after it no more, or as before.
    """

    def __init__(self, session: CassandraSession, request: int, failure: Failure) -> None:
        self._session = session
        self._request = request
        self._failure = failure
        self._asked = 0

    @property
    def survived(self) -> bool:
        """Whether it did not come to that request."""
        return self._asked < self._request

    def as_session(self) -> CassandraSession:
        """Give it to whoever takes a session."""
        return cast("CassandraSession", self)

    def submit(self, statement: Statement, parameters: Sequence[object] = ()) -> "Future[Rows]":
        return self._ask(lambda: self._session.submit(statement, parameters))

    def submit_batch(self, writes: Sequence[Request]) -> "Future[Rows]":
        return self._ask(lambda: self._session.submit_batch(writes))

    def execute(self, statement: Statement, parameters: Sequence[object] = ()) -> Rows:
        return self.wait(self.submit(statement, parameters))

    def wait(self, future: "Future[Rows]") -> Rows:
        return self._session.wait(future)

    def _ask(self, ask: Callable[[], "Future[Rows]"]) -> "Future[Rows]":
        self._asked += 1
        if self._asked < self._request:
            return ask()
        if self._asked == self._request:
            return (
                _lost(ask())
                if self._failure is Failure.DIES_AFTER
                else failed(StoreUnavailable("no"))
            )
        return ask() if self._failure is Failure.FAILS_ONCE else failed(StoreUnavailable("dead"))


def _lost(answer: "Future[Rows]") -> "Future[Rows]":
    unheard: Future[Rows] = Future()
    answer.add_done_callback(
        lambda _: unheard.set_exception(StoreUnavailable("the answer is lost"))
    )
    return unheard


class Forgetful:
    """Says that some statements were done, and never asks them."""

    def __init__(self, session: CassandraSession, forgotten: Container[Statement]) -> None:
        self._session = session
        self._forgotten = forgotten

    def as_session(self) -> CassandraSession:
        """Give it to whoever takes a session."""
        return cast("CassandraSession", self)

    def submit(self, statement: Statement, parameters: Sequence[object] = ()) -> "Future[Rows]":
        return (
            done(())
            if statement in self._forgotten
            else self._session.submit(statement, parameters)
        )

    def submit_batch(self, writes: Sequence[Request]) -> "Future[Rows]":
        kept = [write for write in writes if write[0] not in self._forgotten]
        return self._session.submit_batch(kept) if kept else done(())


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

    def submit_batch(self, writes: Sequence[Request]) -> "Future[Rows]":
        return self._session.submit_batch(writes)
