"""One connection to the cluster for a whole process: statements in, futures of rows out."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from functools import partial

from cassandra.cluster import ResponseFuture
from cassandra.query import BatchStatement, BatchType

from angarium import deadline
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra import connected as connections
from angarium.engines.cassandra.cluster import REQUEST_SECONDS, CassandraAddress
from angarium.engines.cassandra.connected import Connected
from angarium.engines.cassandra.connector import Connector
from angarium.engines.cassandra.errors import DRIVER_ERRORS, unavailable
from angarium.engines.cassandra.rows import Row, Rows
from angarium.engines.cassandra.statements import Statement

CALL_SECONDS = REQUEST_SECONDS
PAGE_ROWS = 1_000

Parameters = Sequence[object]


class CassandraSession:
    """Connects in the background, for as long as it takes, and asks once connected.

    Until it is connected every question is answered with StoreUnavailable at once; afterwards the
    driver reconnects by itself, and when all nodes are gone for long the connector connects anew: what is
    asked at that moment fails with StoreUnavailable. Used by any thread.
    """

    def __init__(
        self,
        address: CassandraAddress,
        connect: Callable[[CassandraAddress], Connected] = connections.connect,
    ) -> None:
        """Begin to connect.

        Args:
            address: Where the cluster is.
            connect: Connects through the contact points.
        """
        self._connector = Connector(address, connect)

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
            A future of the rows, or of StoreUnavailable; done within the deadline in force and 2 s at most.
        """
        return self._send(lambda connected: connected.prepared[statement].bind(parameters))

    def submit_batch(self, statement: Statement, rows: Sequence[Parameters]) -> "Future[Rows]":
        """Write several rows of one partition in one request, without waiting.

        Args:
            statement: How each is written.
            rows: Their values, one row or more; all of one partition, which makes the batch one mutation.

        Returns:
            A future of nothing, or of StoreUnavailable.
        """
        if len(rows) == 1:
            return self.submit(statement, rows[0])

        def batch(connected: Connected) -> BatchStatement:
            statements = BatchStatement(BatchType.UNLOGGED)
            statements.is_idempotent = True
            prepared = connected.prepared[statement]
            for row in rows:
                statements.add(prepared, row)
            return statements

        return self._send(batch)

    def execute(self, statement: Statement, parameters: Parameters = ()) -> Rows:
        """Ask and wait for the answer, within the deadline in force and 2 s at most.

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
        """Wait for an answer that was asked for, within the deadline in force and 2 s at most.

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
            yield from connected.session.execute(question, timeout=deadline.remaining(CALL_SECONDS))
        except DRIVER_ERRORS as error:
            raise unavailable(error) from error

    def close(self) -> None:
        """Disconnect within 5 s; safe to repeat."""
        self._connector.close()

    def _send(self, build: Callable[[Connected], object]) -> "Future[Rows]":
        outcome: Future[Rows] = Future()
        # From here on nobody can cancel it, so that the driver's thread can always end it.
        outcome.set_running_or_notify_cancel()
        try:
            answer = self._ask(build)
        except StoreUnavailable as error:
            outcome.set_exception(error)
        except Exception as error:  # noqa: BLE001 - whoever waits for the future must hear of it
            outcome.set_exception(unavailable(error))
        else:
            answer.add_callbacks(partial(_answered, outcome), partial(_refused, outcome))
        return outcome

    def _ask(self, build: Callable[[Connected], object]) -> ResponseFuture:
        connected = self._connector.require()
        timeout = deadline.remaining(CALL_SECONDS)
        if timeout <= 0:
            raise StoreUnavailable("no time is left to ask Cassandra")
        return connected.session.execute_async(build(connected), timeout=timeout)


# When two nodes were asked, the driver calls back for each answer: the first one stands.


def _answered(outcome: "Future[Rows]", rows: Rows | None) -> None:
    with suppress(InvalidStateError):
        outcome.set_result(rows or ())


def _refused(outcome: "Future[Rows]", error: BaseException) -> None:
    with suppress(InvalidStateError):
        outcome.set_exception(unavailable(error))
