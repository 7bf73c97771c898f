"""The connection of a process to the cluster: made in the background, for as long as it takes."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from cassandra.cluster import Cluster, Session
from cassandra.query import PreparedStatement

from angarium import backoff, logs
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.statements import ASKED_ONCE, Statement

CLOSE_SECONDS = 5.0

_log = logs.get("angarium.cassandra")


@dataclass(frozen=True, slots=True)
class Connected:
    """A session of the driver that is ready to be asked.

    Attributes:
        cluster: To shut down.
        session: To ask.
        prepared: Every statement.
    """

    cluster: Cluster
    session: Session
    prepared: Mapping[Statement, PreparedStatement]


class Connector:
    """Tries until it is connected; from then on the driver reconnects by itself. Used by any thread."""

    def __init__(self, address: CassandraAddress) -> None:
        self._address = address
        self._connected: Connected | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._connect, name="cassandra-connect", daemon=True)
        self._thread.start()

    def require(self) -> Connected:
        """Give what to ask, without waiting.

        Returns:
            The connection.

        Raises:
            StoreUnavailable: There is none yet, or no longer.
        """
        connected = self._connected
        if connected is None:
            closed = self._closing.is_set()
            raise StoreUnavailable("Cassandra is closed" if closed else "Cassandra has not been reached yet")
        return connected

    def await_connection(self, timeout: float) -> bool:
        """Wait for the first connection.

        Args:
            timeout: Seconds at most.

        Returns:
            True once connected.
        """
        return self._ready.wait(timeout)

    def close(self) -> None:
        """Disconnect within 5 s; safe to repeat."""
        give_up_at = time.monotonic() + CLOSE_SECONDS
        with self._lock:
            self._closing.set()
            connected, self._connected = self._connected, None
        if connected is not None:
            # shutdown() waits for the driver's threads without a bound.
            ending = threading.Thread(target=connected.cluster.shutdown, name="cassandra-close", daemon=True)
            ending.start()
            ending.join(CLOSE_SECONDS)
            if ending.is_alive():
                _log.warning("store_unavailable", f"Cassandra did not let go within {CLOSE_SECONDS:.0f} s")
        self._thread.join(max(0.0, give_up_at - time.monotonic()))

    def _connect(self) -> None:
        for wait in backoff.delays(0.2, 5.0):
            try:
                connected = _open(self._address)
            except Exception as error:  # noqa: BLE001 - a thread that ends here would never connect
                _log.warning(
                    "store_unavailable",
                    f"Cassandra cannot be used yet, next try in {wait:.1f} s; it must be reachable, and "
                    "`angarium init` must have made the keyspace",
                    error_type=type(error).__name__,
                    detail=str(error)[:300],
                )
            else:
                self._take(connected)
                return
            if self._closing.wait(wait):
                return

    def _take(self, connected: Connected) -> None:
        with self._lock:
            closed = self._closing.is_set()
            if not closed:
                self._connected = connected
        if closed:
            connected.cluster.shutdown()
        else:
            self._ready.set()


def _open(address: CassandraAddress) -> Connected:
    cluster = clusters.build(address)
    try:
        session = cluster.connect()
        # Every page is bounded by its LIMIT; the driver's own paging would only hand out first pages.
        session.default_fetch_size = None
        # What has no time of the log gets the nodes': an API's own clock may be wrong.
        session.use_client_timestamp = False
        keyspace = address.quoted_keyspace
        prepared = {statement: session.prepare(statement.cql(keyspace)) for statement in Statement}
    except BaseException:
        cluster.shutdown()
        raise
    for statement, each in prepared.items():
        each.is_idempotent = statement not in ASKED_ONCE
    return Connected(cluster, session, prepared)
