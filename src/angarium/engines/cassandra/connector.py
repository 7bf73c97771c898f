"""The connection of a process to the cluster.

A thread tries until it has connected. Later the driver reconnects by
itself; only when no node has been reachable for 5 s does the thread
connect again.
"""

import threading
import time
from collections.abc import Callable

from angarium import backoff, logs
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra import prepared_session as connections
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.prepared_session import PreparedSession
from angarium.threads import NamedThread


class DisconnectedTimer:
    """Measures how long no node has been connected, on one thread."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Start as if a node were connected.

        Args:
            seconds: It expires after this long without a node.
            clock: Monotonic seconds.
        """
        self._seconds = seconds
        self._clock = clock
        self._since: float | None = None

    def has_expired(self, connected: bool) -> bool:
        """Note whether a node is connected now.

        Args:
            connected: Whether one is.

        Returns:
            True when every look for at least the set time found none.
        """
        now = self._clock()
        if connected:
            self._since = None
        elif self._since is None:
            self._since = now
        return self._since is not None and now - self._since >= self._seconds


CLOSE_S = 5.0
"""The driver waits for its threads without a limit; a process that
stops does not.
"""

CHECK_INTERVAL_S = 1.0
DISCONNECTED_S = 5.0
"""When no node has been connected for this long, the contact points'
names are resolved again: the driver itself tries the addresses that
nodes reported last, and in containers all of them may come back at
others.
"""

_log = logs.get("angarium.engines.cassandra")


class Connector:
    """Connects, and connects again after a long absence of all nodes.

    In between the driver reconnects by itself. Used by any thread.
    """

    def __init__(
        self,
        address: CassandraAddress,
        connect: Callable[[CassandraAddress], PreparedSession] = connections.connect,
        listens: Callable[[CassandraAddress], bool] = connections.listens,
        clock: Callable[[], float] = time.monotonic,
        check_interval_s: float = CHECK_INTERVAL_S,
    ) -> None:
        """Start to connect, on a thread of its own.

        Args:
            address: Where the cluster is.
            connect: Connects through the contact points.
            listens: Says whether any contact point accepts connections.
            clock: Monotonic seconds, to measure an absence with.
            check_interval_s: Seconds between two looks whether a node
                is connected.
        """
        self._address = address
        self._connect = connect
        self._listens = listens
        self._disconnected = DisconnectedTimer(DISCONNECTED_S, clock)
        self._check_interval_s = check_interval_s
        self._repeats = logs.Repeats()
        self._connected: PreparedSession | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._ready = threading.Event()
        self._thread = NamedThread(target=self._run, name="cassandra-conn", daemon=True)
        self._thread.start()

    def require(self) -> PreparedSession:
        """Return the connection, without waiting for it.

        Returns:
            The connection, with every statement prepared.

        Raises:
            StoreUnavailable: There is none yet, or it is closed.
        """
        connected = self._connected
        if connected is None:
            if self._closing.is_set():
                raise StoreUnavailable("Cassandra is closed")
            nodes = ", ".join(f"{host}:{port}" for host, port in self._address.contact_points)
            raise StoreUnavailable(
                f"Cassandra at {nodes} cannot be used yet; check ANGARIUM_CASSANDRA, that it runs "
                "and that `angarium init` was run"
            )
        return connected

    def await_connection(self, timeout_s: float) -> bool:
        """Wait for the first connection.

        Args:
            timeout_s: Seconds to wait at most.

        Returns:
            True once connected.
        """
        return self._ready.wait(timeout_s)

    def close(self) -> None:
        """Disconnect within 5 s; safe to repeat."""
        give_up_at = time.monotonic() + CLOSE_S
        with self._lock:
            self._closing.set()
            connected, self._connected = self._connected, None
        if connected is not None:
            ending = connected.end()
            ending.join(CLOSE_S)
            if ending.is_alive():
                _log.warning(
                    "store_unavailable",
                    f"Cassandra did not disconnect within {CLOSE_S:.0f} s",
                )
        self._thread.join(max(0.0, give_up_at - time.monotonic()))

    def _run(self) -> None:
        """Connect, then watch for a long absence until closed."""
        connected = self._connect_first()
        while connected is not None and not self._closing.wait(self._check_interval_s):
            if self._disconnected.has_expired(connected.reaches_a_node()):
                connected = self._replace(connected)

    def _connect_first(self) -> PreparedSession | None:
        """Retry with growing pauses; return None when closed."""
        for wait in backoff.delays(0.2, 5.0):
            try:
                connected = self._connect(self._address)
            except Exception as error:  # noqa: BLE001 - a thread that ends here would never connect
                _log.limited_warning(
                    self._repeats,
                    "store_unavailable",
                    f"Cassandra cannot be used yet, next attempt in {wait:.1f} s; it must be "
                    "reachable, and `angarium init` must have created the keyspace",
                    error_type=type(error).__name__,
                    detail=str(error)[:300],
                )
            else:
                return self._take(connected, instead_of=None)
            if self._closing.wait(wait):
                break
        return None

    def _replace(self, lost: PreparedSession) -> PreparedSession | None:
        """Connect again; return the session to watch from now on."""
        # The driver may reconnect first: then its session stays.
        for wait in backoff.delays(0.5, 5.0):
            try:
                found = self._connect(self._address) if self._listens(self._address) else None
            except Exception as error:  # noqa: BLE001 - as above
                found = None
                _log.debug(
                    "retry",
                    "Cassandra cannot be used through its contact points either, next attempt in "
                    f"{wait:.1f} s",
                    error_type=type(error).__name__,
                    detail=str(error)[:300],
                )
            if found is not None:
                return self._take(found, instead_of=lost)
            if self._closing.wait(wait) or lost.reaches_a_node():
                break
        return lost

    def _take(
        self, found: PreparedSession, instead_of: PreparedSession | None
    ) -> PreparedSession | None:
        """Adopt a session; return the one to watch, None if closed."""
        with self._lock:
            closed = self._closing.is_set()
            # The driver may have reconnected first; requests that it
            # has in flight by now must not be lost.
            adopt = not closed and (instead_of is None or not instead_of.reaches_a_node())
            if adopt:
                self._connected = found
        surplus = instead_of if adopt else found
        if surplus is not None:
            surplus.end()
        if not adopt:
            return instead_of
        self._ready.set()
        if instead_of is not None:
            _log.info(
                "store_reconnected",
                "no node of Cassandra answered at its known address for at least "
                f"{DISCONNECTED_S:.0f} s; connected again through the contact points",
            )
        return found
