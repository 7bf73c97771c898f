"""One connection to the cluster for a whole process: statements in,
futures of rows out.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager

from cassandra.cluster import ResponseFuture
from cassandra.query import BatchStatement, BatchType

from angarium import deadline, futures
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra import prepared_session as connections
from angarium.engines.cassandra.cluster import HEARTBEAT_SECONDS, REQUEST_SECONDS, CassandraAddress
from angarium.engines.cassandra.connector import Connector
from angarium.engines.cassandra.errors import DRIVER_ERRORS, unavailable
from angarium.engines.cassandra.prepared_session import PreparedSession
from angarium.engines.cassandra.read_budget import ReadBudget
from angarium.engines.cassandra.row_mapping import Row, Rows
from angarium.engines.cassandra.statements import Statement

CALL_SECONDS = REQUEST_SECONDS
PAGE_ROWS = 1_000

Parameters = Sequence[object]

Question = tuple[Statement, Parameters]

ABANDON_SECONDS = 2.0 * HEARTBEAT_SECONDS
"""A connection that is silent for so long is closed, and what was asked
over it fails.
"""


class CassandraSession:
    """Connects in the background, for as long as it takes, and asks
    once connected.

    Until it is connected every question is answered with
    StoreUnavailable at once; afterwards the driver reconnects by
    itself, and when all nodes are gone for long the connector connects
    anew: what is asked at that moment fails with StoreUnavailable. Used
    by any thread.
    """

    def __init__(
        self,
        address: CassandraAddress,
        connect: Callable[[CassandraAddress], PreparedSession] = connections.connect,
    ) -> None:
        """Begin to connect.

        Args:
            address: Where the cluster is.
            connect: Connects through the contact points.
        """
        self._connector = Connector(address, connect)
        self._budget = ReadBudget()

    def await_connection(self, timeout: float) -> bool:
        """Wait for the first connection.

        Args:
            timeout: Seconds at most.

        Returns:
            True once connected.
        """
        return self._connector.await_connection(timeout)

    def submit(self, statement: Statement, parameters: Parameters = ()) -> "Future[Rows]":
        """Ask without waiting.

        Args:
            statement: What to ask.
            parameters: Its values, in order.

        Returns:
            A future of the rows, or of StoreUnavailable; done within
            the deadline in force and 2 s at most.
        """
        return self._send(lambda connected: connected.prepared[statement].bind(parameters))

    def submit_batch(self, statement: Statement, rows: Sequence[Parameters]) -> "Future[Rows]":
        """Write several rows of one partition in one request, without
        waiting.

        Args:
            statement: How each is written.
            rows: Their values, one row or more; all of one partition,
                which makes the batch one mutation.

        Returns:
            A future of nothing, or of StoreUnavailable.
        """
        if len(rows) == 1:
            return self.submit(statement, rows[0])

        def batch(connected: PreparedSession) -> BatchStatement:
            statements = BatchStatement(BatchType.UNLOGGED)
            statements.is_idempotent = True
            prepared = connected.prepared[statement]
            for row in rows:
                statements.add(prepared, row)
            return statements

        return self._send(batch)

    def execute(self, statement: Statement, parameters: Parameters = ()) -> Rows:
        """Ask and wait for the answer, within the deadline in force and
        2 s at most.

        Args:
            statement: What to ask.
            parameters: Its values, in order.

        Returns:
            The rows.

        Raises:
            StoreUnavailable: No answer in time.
        """
        return self.wait(self.submit(statement, parameters))

    def wait(self, future: "Future[Rows]") -> Rows:
        """Wait for an answer that was asked for, within the deadline in
        force and 2 s at most.

        Args:
            future: What `submit` gave.

        Returns:
            The rows.

        Raises:
            StoreUnavailable: No answer in time.
        """
        try:
            return future.result(deadline.remaining(CALL_SECONDS))
        except FutureTimeout as error:
            raise StoreUnavailable("Cassandra did not answer in time") from error

    @contextmanager
    def asking_for_texts(
        self, questions: Sequence[Question], count: int
    ) -> "Iterator[list[Future[Rows]]]":
        """Ask for messages with their texts, once there is room for
        them.

        Args:
            questions: What to ask, side by side.
            count: Messages in all answers together, at most.

        Yields:
            The answers, in order. There is room for them for as long as
            the block lasts, and until the nodes have answered.

        Raises:
            StoreUnavailable: There was no room in time.
        """
        with self._budget.room(count, CALL_SECONDS) as until:
            until += [self._ask_for_texts(*question) for question in questions]
            yield until

    def _ask_for_texts(self, statement: Statement, parameters: Parameters) -> "Future[Rows]":
        """Ask, and let the driver wait for longer than we do.

        Args:
            statement: What to ask.
            parameters: Its values, in order.

        Returns:
            A future of the rows. An answer takes room until it comes,
            whether anybody waits for it still or not.
        """
        return self._send(
            lambda connected: connected.prepared[statement].bind(parameters), ABANDON_SECONDS
        )

    def scan(self, statement: Statement) -> Iterator[Row]:
        """Read all rows of a small table, page by page.

        Args:
            statement: A statement without parameters.

        Yields:
            Each row.

        Raises:
            StoreUnavailable: No answer in time.
        """
        connected = self._connector.require()
        question = connected.prepared[statement].bind(())
        question.fetch_size = PAGE_ROWS
        try:
            yield from connected.session.execute(
                question, timeout=deadline.remaining(CALL_SECONDS)
            )
        except DRIVER_ERRORS as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """Disconnect within 5 s; safe to repeat."""
        self._connector.close()

    def _send(
        self, build: Callable[[PreparedSession], object], at_least_s: float = 0.0
    ) -> "Future[Rows]":
        outcome: Future[Rows] = Future()
        # From here on nobody can cancel it, so that the driver's thread
        # can always end it.
        outcome.set_running_or_notify_cancel()
        try:
            answer = self._ask(build, at_least_s)
        except StoreUnavailable as error:
            outcome.set_exception(error)
        except Exception as error:  # noqa: BLE001 - whoever waits for the future must hear of it
            outcome.set_exception(unavailable(error))
        else:
            hand_over = HandOver(answer, outcome)
            answer.add_callbacks(hand_over.answered, hand_over.refused)
        return outcome

    def _ask(
        self, build: Callable[[PreparedSession], object], at_least_s: float
    ) -> ResponseFuture:
        connected = self._connector.require()
        timeout = deadline.remaining(CALL_SECONDS)
        if timeout <= 0:
            raise StoreUnavailable("no time is left to ask Cassandra")
        return connected.session.execute_async(build(connected), timeout=max(timeout, at_least_s))


class HandOver:
    """Hands one answer of the driver over, and keeps the driver from
    keeping it.

    The driver's timer of a question, and with it the question, its
    values and its answer, stays until it would have rung, up to 2 s
    later; from then on they are a cycle that waits for the garbage
    collector. A question that was put to a second node stays until both
    have answered. A hundred pages of 1 MiB were held like this
    (docs/adr/0007).
    """

    __slots__ = ("_answer", "_outcome")

    def __init__(self, answer: ResponseFuture, outcome: "Future[Rows]") -> None:
        self._answer = weakref.ref(answer)
        self._outcome: Future[Rows] | None = outcome

    def answered(self, rows: list[Row] | None) -> None:
        """Hand rows over; of two nodes that were asked, the first
        one's.
        """
        outcome = self._take()
        if outcome is not None:
            futures.resolve_once(outcome, tuple(rows or ()))
        if rows:
            # The list is the driver's own.
            rows.clear()

    def refused(self, error: BaseException) -> None:
        """Hand a failure over, unless there was an answer before."""
        outcome = self._take()
        if outcome is not None:
            futures.fail_once(outcome, unavailable(error))

    def _take(self) -> "Future[Rows] | None":
        """Return the future if it is not done yet; it is forgotten
        here.
        """
        outcome, self._outcome = self._outcome, None
        # It does not ring any more, and all that it would do is kept
        # with it.
        timer = getattr(self._answer(), "_timer", None)
        if timer is not None:
            timer.callback = _nothing
        return outcome


def _nothing() -> None:
    """Stand for what a timer that was stopped would do."""
