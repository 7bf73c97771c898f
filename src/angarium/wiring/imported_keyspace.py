"""What a start must know of an import into a keyspace."""

import threading
from collections.abc import Callable, Mapping

from angarium import logs
from angarium.config import Settings
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.engines.cassandra import prepared_session
from angarium.engines.cassandra.bulk_loader import (
    CassandraBulkLoader,
    read_marker,
    read_marker_over,
)
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.prepared_session import PreparedSession
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.store_inspector import CassandraStoreInspector
from angarium.ports.message_log import Position
from angarium.wiring import load

_log = logs.get("angarium.wiring")


def keyspace_name(settings: Settings) -> str:
    """Return what an error calls the target of an import.

    Args:
        settings: The keyspace and the topic.

    Returns:
        A few words.
    """
    return f"keyspace {settings.keyspace} with topic {settings.topic}"


def log_starts(settings: Settings, session: CassandraSession) -> Mapping[int, Position]:
    """Return where the log begins to explain the store.

    A worker asks before it starts a partition for which its group has
    committed nothing: an import has left no record to begin with, and
    its commits may have expired since.

    Args:
        settings: The topic.
        session: Connected to the keyspace.

    Returns:
        By partition.

    Raises:
        LogUnavailable: It is not known now, or an import has not ended.
    """
    try:
        marker = read_marker(session)
        if marker is not None and not marker.is_finished:
            raise LogUnavailable(f"{keyspace_name(settings)} holds half of an import")
        return CassandraStoreInspector(session, settings.topic).log_starts()
    except StoreUnavailable as error:
        raise LogUnavailable(
            f"where the log starts could not be read from the store: {error}"
        ) from error


def keep_log_start(
    settings: Settings, session: CassandraSession, partition: int, start: Position
) -> None:
    """Keep where the log of a partition starts after it was lost.

    Kafka may forget the group's commit, and another group has none;
    both must go on after what is stored.

    Args:
        settings: The topic.
        session: Connected to the keyspace.
        partition: Whose log was lost.
        start: Its first offset, and a watermark after all that is
            stored.

    Raises:
        LogUnavailable: It is not certain that it is kept.
    """
    try:
        CassandraBulkLoader(session, settings.topic).put_log_starts({partition: start})
    except StoreUnavailable as error:
        raise LogUnavailable(
            f"where the log starts could not be kept in the store: {error}"
        ) from error


def refuse_half_import(settings: Settings, session: CassandraSession) -> None:
    """Refuse to serve half of an import, if Cassandra can be asked.

    Args:
        settings: The keyspace and the topic.
        session: Connected to the keyspace.

    Raises:
        SetupError: An import has not ended.
    """
    try:
        marker = read_marker(session)
    except StoreUnavailable as error:
        _log.warning(
            "store_unavailable",
            f"Cassandra could not be asked for an import; going on without it: {error}",
            error_type=type(error).__name__,
        )
        return
    load.refuse_half_import(marker, keyspace_name(settings))


class LateImportCheck:
    """Checks connections that a start did not wait for any longer.

    A start that reaches Cassandra in time refuses half of an import
    (`refuse_half_import`). One that goes on without it must not use
    half of an import later: while there is one, no connection is taken
    into use, and the store counts as unavailable (docs/adr/0027).
    """

    def __init__(
        self,
        settings: Settings,
        connect: Callable[[CassandraAddress], PreparedSession] = prepared_session.connect,
    ) -> None:
        """Check nothing yet.

        Args:
            settings: The keyspace and the topic.
            connect: Connects through the contact points.
        """
        self._name = keyspace_name(settings)
        self._connect = connect
        self._lock = threading.Lock()
        self._has_connected = False
        self._is_required = False

    def require(self) -> bool:
        """Check each connection from now on.

        Returns:
            True if there was one before, which nothing has checked.
        """
        with self._lock:
            self._is_required = True
            return self._has_connected

    def connect(self, address: CassandraAddress) -> PreparedSession:
        """Connect, and check the connection if that is required.

        Args:
            address: Where the cluster is.

        Returns:
            The connection, with every statement prepared.

        Raises:
            SetupError: An import has not ended.
            Exception: Whatever the driver raises while it cannot be
                used.
        """
        connected = self._connect(address)
        with self._lock:
            if not self._is_required:
                self._has_connected = True
                return connected
        try:
            load.refuse_half_import(read_marker_over(connected), self._name)
        except BaseException:
            connected.end()
            raise
        return connected
