"""The driver behind one small interface: statements to futures of rows.

Every request has a time limit, and every error becomes StoreUnavailable
(docs/adr/0007).
"""

import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager

from cassandra.cluster import ResponseFuture
from cassandra.metadata import TokenMap
from cassandra.pool import Host
from cassandra.query import BatchStatement, BatchType

from angarium import deadline, futures
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra import prepared_session as connections
from angarium.engines.cassandra.cluster import HEARTBEAT_S, REQUEST_S, CassandraAddress
from angarium.engines.cassandra.connector import Connector
from angarium.engines.cassandra.errors import DRIVER_ERRORS, unavailable
from angarium.engines.cassandra.patches.stopped_timer import forget_request
from angarium.engines.cassandra.prepared_session import PreparedSession
from angarium.engines.cassandra.read_budget import ReadBudget
from angarium.engines.cassandra.row_mapping import Row, Rows
from angarium.engines.cassandra.statements import Statement

CALL_S = REQUEST_S
"""The maximum for a call, however many requests it makes."""

PAGE_ROWS = 1_000
"""How many users `scan` reads at a time, about 200 KB."""

Parameters = Sequence[object]

Request = tuple[Statement, Parameters]

ABANDON_S = 2.0 * HEARTBEAT_S
"""After this time a silent connection is closed, and its requests
fail.
"""


class CassandraSession:
    """Connects in the background, and executes once connected.

    Until then every request fails with StoreUnavailable at once. Later
    the driver reconnects by itself. When all nodes are gone for some
    seconds, the connector connects again, and the requests of that
    moment fail with StoreUnavailable. Used by any thread.
    """

    def __init__(
        self,
        address: CassandraAddress,
        connect: Callable[[CassandraAddress], PreparedSession] = connections.connect,
    ) -> None:
        """Start to connect.

        Args:
            address: Where the cluster is.
            connect: Connects through the contact points.
        """
        self._keyspace = address.keyspace
        self._connector = Connector(address, connect)
        self._budget = ReadBudget()

    def await_connection(self, timeout_s: float) -> bool:
        """Wait for the first connection.

        Args:
            timeout_s: Seconds to wait at most.

        Returns:
            True once connected.
        """
        return self._connector.await_connection(timeout_s)

    def submit(self, statement: Statement, parameters: Parameters = ()) -> "Future[Rows]":
        """Send a statement without waiting.

        Args:
            statement: Which one.
            parameters: Its values, in order.

        Returns:
            A future of the rows, or of StoreUnavailable; done within
            the deadline in force and 2 s at most.
        """
        return self._send(lambda connected: connected.prepared[statement].bind(parameters))

    def submit_batch(self, writes: Sequence[Request]) -> "Future[Rows]":
        """Write several rows with one partition key without waiting.

        Args:
            writes: One or more, of one table or several; all with the
                same partition key, which makes the batch one mutation:
                a replica takes it completely or not at all
                (docs/adr/0029).

        Returns:
            A future of nothing, or of StoreUnavailable.
        """
        if len(writes) == 1:
            return self.submit(*writes[0])

        def batch(connected: PreparedSession) -> BatchStatement:
            """Make the batch, unlogged: one mutation needs no log."""
            statements = BatchStatement(BatchType.UNLOGGED)
            statements.is_idempotent = True
            for statement, values in writes:
                statements.add(connected.prepared[statement], values)
            return statements

        return self._send(batch)

    def execute(self, statement: Statement, parameters: Parameters = ()) -> Rows:
        """Send a statement and wait for its rows.

        Args:
            statement: Which one.
            parameters: Its values, in order.

        Returns:
            The rows.

        Raises:
            StoreUnavailable: No answer within the deadline in force and
                2 s at most.
        """
        return self.wait(self.submit(statement, parameters))

    def wait(self, future: "Future[Rows]") -> Rows:
        """Wait for the rows of a request.

        Args:
            future: What `submit` returned.

        Returns:
            The rows.

        Raises:
            StoreUnavailable: No answer within the deadline in force and
                2 s at most.
        """
        try:
            return future.result(deadline.remaining(CALL_S))
        except FutureTimeout as error:
            raise StoreUnavailable("Cassandra did not answer in time") from error

    @contextmanager
    def reading_texts(
        self, requests: Sequence[Request], count: int
    ) -> "Iterator[list[Future[Rows]]]":
        """Read messages with their texts, once there is room for them.

        Args:
            requests: Sent side by side.
            count: The maximum number of messages in all answers
                together.

        Yields:
            The answers, in order. Their room is reserved until the
            block ends and the nodes have answered.

        Raises:
            StoreUnavailable: There was no room in time.
        """
        with self._budget.reserve(count, CALL_S) as answers:
            answers += [self._request_text(*request) for request in requests]
            yield answers

    def _request_text(self, statement: Statement, parameters: Parameters) -> "Future[Rows]":
        """Send a statement with a timer longer than the caller's wait.

        Args:
            statement: Which one.
            parameters: Its values, in order.

        Returns:
            A future of the rows. An answer takes memory until it
            arrives, even when nobody waits for it any more.
        """
        return self._send(
            lambda connected: connected.prepared[statement].bind(parameters), ABANDON_S
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
        request = connected.prepared[statement].bind(())
        request.fetch_size = PAGE_ROWS
        try:
            yield from connected.session.execute(request, timeout=deadline.remaining(CALL_S))
        except DRIVER_ERRORS as error:
            raise unavailable(error) from error

    def token(self, key: bytes) -> int:
        """Return the token of a partition key.

        Args:
            key: The key as it is on the wire.

        Returns:
            What `token()` gives in CQL, computed here.

        Raises:
            StoreUnavailable: Not connected.
        """
        ring = self._ring()
        return int(ring.token_class.from_key(key).value)

    def replicas(self, key: bytes) -> Sequence[str]:
        """Return the nodes that keep a partition of the keyspace.

        Args:
            key: The partition key as it is on the wire.

        Returns:
            Their IP addresses.

        Raises:
            StoreUnavailable: Not connected.
        """
        metadata = self._connector.require().cluster.metadata
        return [_address(host) for host in metadata.get_replicas(self._keyspace, key)]

    def nodes(self) -> Sequence[tuple[str, bool]]:
        """Return the nodes of the cluster.

        Returns:
            The IP address of each, and whether the driver knows it as
            up.

        Raises:
            StoreUnavailable: Not connected.
        """
        metadata = self._connector.require().cluster.metadata
        return [(_address(host), bool(host.is_up)) for host in metadata.all_hosts()]

    def _ring(self) -> TokenMap:
        """Return the tokens of all nodes, read when it connected."""
        ring = self._connector.require().cluster.metadata.token_map
        if ring is None:
            raise StoreUnavailable("the nodes have not named their tokens yet")
        return ring

    def close(self) -> None:
        """Disconnect within 5 s; safe to repeat."""
        self._connector.close()

    def _send(
        self, build: Callable[[PreparedSession], object], at_least_s: float = 0.0
    ) -> "Future[Rows]":
        """Return a future that the driver's thread completes."""
        outcome: Future[Rows] = Future()
        # From here on nobody can cancel it, so the driver's thread can
        # always complete it.
        outcome.set_running_or_notify_cancel()
        try:
            answer = self._ask(build, at_least_s)
        except StoreUnavailable as error:
            outcome.set_exception(error)
        except Exception as error:  # noqa: BLE001 - the future must complete, or its caller waits in vain
            outcome.set_exception(unavailable(error))
        else:
            handler = AnswerHandler(answer, outcome)
            answer.add_callbacks(handler.resolve, handler.fail)
        return outcome

    def _ask(
        self, build: Callable[[PreparedSession], object], at_least_s: float
    ) -> ResponseFuture:
        """Send a request, with what is left of the deadline."""
        connected = self._connector.require()
        timeout = deadline.remaining(CALL_S)
        if timeout <= 0:
            raise StoreUnavailable("the deadline passed before Cassandra was asked")
        return connected.session.execute_async(build(connected), timeout=max(timeout, at_least_s))


class AnswerHandler:
    """Completes a future with the first answer of the driver.

    It also keeps the driver from holding memory. The driver's timer of
    a request, and with it the request, its values and its answer, stays
    until it would have fired, up to 2 s later; from then on they are a
    cycle that waits for the garbage collector. A request that was sent
    to a second node stays until both have answered. A hundred pages of
    1 MiB were held like this (docs/adr/0007).
    """

    __slots__ = ("_answer", "_outcome")

    def __init__(self, answer: ResponseFuture, outcome: "Future[Rows]") -> None:
        """Refer to the driver's future weakly: it refers to this."""
        self._answer = weakref.ref(answer)
        self._outcome: Future[Rows] | None = outcome

    def resolve(self, rows: list[Row] | None) -> None:
        """Complete the future with rows, unless it is complete."""
        outcome = self._take()
        if outcome is not None:
            futures.resolve_once(outcome, tuple(rows or ()))
        if rows:
            # The driver still refers to the list: free the rows.
            rows.clear()

    def fail(self, error: BaseException) -> None:
        """Complete the future with an error, unless it is complete."""
        outcome = self._take()
        if outcome is not None:
            futures.fail_once(outcome, unavailable(error))

    def _take(self) -> "Future[Rows] | None":
        """Return the future the first time, and free the request."""
        outcome, self._outcome = self._outcome, None
        answer = self._answer()
        if answer is not None:
            forget_request(answer)
        return outcome


def _address(host: Host) -> str:
    """Return a node's IP address.

    One that was found by its name in the settings keeps that name as
    the address of its connections.
    """
    return str(host.broadcast_rpc_address or host.address)
