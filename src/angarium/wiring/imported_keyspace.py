"""What a start must know of an import into a keyspace."""

from collections.abc import Mapping

from angarium import logs
from angarium.config import Settings
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.engines.cassandra.bulk_loader import read_marker
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
