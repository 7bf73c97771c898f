"""The embedded engine: log and stores in one SQLite file.

One process serves the data folder (docs/adr/0005); commands may open
the same file at the same time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event

from angarium.clock import Clock, SystemClock
from angarium.config import Settings
from angarium.domain.errors import SetupError
from angarium.domain.signing_secret import is_published
from angarium.engines.embedded.bulk_loader import (
    EmbeddedBulkLoader,
    EmbeddedGroupStart,
    read_marker,
)
from angarium.engines.embedded.connection_pool import FEW_READERS, MAX_READERS
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.conversations import EmbeddedConversations
from angarium.engines.embedded.data_folder import DataFolderLock, applying_instance, file_size
from angarium.engines.embedded.database import FILE_NAME, Database
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.log_inspector import (
    EmbeddedDeadLetterInspector,
    EmbeddedLogInspector,
)
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.presence import EmbeddedPresence
from angarium.engines.embedded.retention import LogRetention
from angarium.engines.embedded.store_inspector import EmbeddedStoreInspector
from angarium.engines.embedded.users import EmbeddedUsers
from angarium.engines.secrets.secret_file import load_or_create
from angarium.engines.secrets.tokens import JwtSigner
from angarium.ports.message_log import DeadLetterLog, MessageLog
from angarium.ports.users import UserStore
from angarium.threads import NamedThread
from angarium.wiring.engine import Engine
from angarium.wiring.inspection import Inspection
from angarium.wiring.load import Load, refuse_half_import

SECRET_FILE = "jwt_secret"  # noqa: S105 - a file's name
MAX_STORE_CALLS_PER_USER = 1
"""Concurrent store calls per user: a page is work of this process,
whose threads share one interpreter lock. A second call makes no page
sooner, and the event loop competes with one more thread for the lock.
"""
CROWDED_SWITCH_S = 0.000_005
"""How long a thread keeps that lock while many want pages: as short as
the system can wake another one. A request gets the lock some ten times,
since SQLite releases it at every step. With 1,300 page reads at once
others' p95 is 11 ms with 0.1 ms, 8 with 0.02, and as with this one from
there on (docs/performance.md).
"""


@contextmanager
def embedded_engine(
    settings: Settings, clock: Clock, instance: str, *, applies: bool = True
) -> Iterator[Engine]:
    """Open the embedded engine, and lock its folder.

    Until it is closed, old records are removed from the log.

    Args:
        settings: The folder, the partition count and the retention.
        clock: The records' append times.
        instance: The name of this process.
        applies: Whether a worker will run here, for those who look.

    Yields:
        Every port, until the block ends.

    Raises:
        SetupError: The folder is in use, cannot be used, or was made
            with other settings.
    """
    with (
        DataFolderLock(settings.data, instance if applies else None),
        _served_database(settings) as database,
        _retention(settings, database, clock),
    ):
        log = EmbeddedLog(database, clock)
        messages = EmbeddedMessages(database)
        yield Engine(
            log=log,
            consumer=partial(EmbeddedConsumer, database, log, settings.group),
            dead_letters=EmbeddedDeadLetters(database),
            users=EmbeddedUsers(database),
            conversations=EmbeddedConversations(database),
            message_writer=messages,
            reader=messages,
            presence=EmbeddedPresence(database),
            signer=JwtSigner(
                settings.jwt_secret or _kept_secret(settings),
                settings.jwt_issuer,
                settings.jwt_audience,
                settings.token_ttl_s,
            ),
            instance=instance,
            max_store_calls_per_user=MAX_STORE_CALLS_PER_USER,
            crowded_switch_s=CROWDED_SWITCH_S,
        )


@contextmanager
def _served_database(settings: Settings) -> Iterator[Database]:
    """Open the database for a service, if no import is under way."""
    with _database(settings, MAX_READERS) as database:
        refuse_half_import(read_marker(database), _folder_name(settings))
        yield database


@contextmanager
def _retention(settings: Settings, database: Database, clock: Clock) -> Iterator[None]:
    """Remove old records in the background during a block."""
    if not settings.retention_s:
        yield
        return
    retention = LogRetention(database, settings.group, settings.retention_s, clock)
    stopping = Event()
    thread = NamedThread(target=retention.run, args=(stopping,), name="log-retention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def _kept_secret(settings: Settings) -> str:
    """Read or make the folder's secret; refuse a published one.

    Returns:
        The secret.

    Raises:
        SetupError: The file is not safe, or it contains the published
            secret and other machines can reach the API.
    """
    path = settings.data / SECRET_FILE
    secret = load_or_create(path)
    if is_published(secret) and settings.is_exposed:
        raise SetupError(
            f"{settings.exposure}, and {path} contains the published demo secret, with which "
            "everybody can log in as anybody; remove that file (every user must log in again), "
            "or set ANGARIUM_DEMO=1 to keep it"
        )
    return secret


def has_data(settings: Settings) -> bool:
    """Check whether there is data, without creating any.

    Args:
        settings: The engine, and the embedded one's folder.

    Returns:
        False if the embedded engine's folder has no database yet, or an
        empty file in its place; True on servers, whatever they have.
    """
    return bool(settings.kafka) or file_size(settings.data / FILE_NAME) > 0


@contextmanager
def embedded_users(settings: Settings) -> Iterator[UserStore]:
    """Open the users only; a service may be running.

    Args:
        settings: The folder and the partition count.

    Yields:
        The users, until the block ends.

    Raises:
        SetupError: The folder cannot be used, or was made with other
            settings.
    """
    with _database(settings) as database:
        yield EmbeddedUsers(database)


@contextmanager
def embedded_logs(settings: Settings) -> Iterator[tuple[MessageLog, DeadLetterLog]]:
    """Open log and dead letters only; a service may be running.

    Args:
        settings: The folder and the partition count.

    Yields:
        The log and its dead letters, until the block ends.

    Raises:
        SetupError: The folder cannot be used, or was made with other
            settings.
    """
    with _database(settings) as database:
        yield EmbeddedLog(database, SystemClock()), EmbeddedDeadLetters(database)


@contextmanager
def embedded_inspection(settings: Settings) -> Iterator[Inspection]:
    """Open what reads log and store; a service may be running.

    Args:
        settings: The folder, the partition count and the group.

    Yields:
        The inspectors, until the block ends.

    Raises:
        SetupError: The folder cannot be used, or was made with other
            settings.
    """
    with _database(settings) as database:
        yield _inspection(settings, database)


@contextmanager
def embedded_load(settings: Settings) -> Iterator[Load]:
    """Open the engine for an import, and lock its folder.

    Args:
        settings: The folder, the partition count and the group.

    Yields:
        What an import needs, until the block ends.

    Raises:
        SetupError: The folder is in use, cannot be used, or was made
            with other settings.
    """
    with DataFolderLock(settings.data), _database(settings) as database:
        yield Load(
            _inspection(settings, database),
            EmbeddedBulkLoader(database),
            EmbeddedGroupStart(database, settings.group),
        )


def _folder_name(settings: Settings) -> str:
    """Return what an error calls the folder."""
    return f"the data folder {settings.data}"


def _inspection(settings: Settings, database: Database) -> Inspection:
    """Make what reads log and store."""
    return Inspection(
        _folder_name(settings),
        partial(read_marker, database),
        EmbeddedLogInspector(database, settings.group, lambda: applying_instance(settings.data)),
        EmbeddedDeadLetterInspector(database),
        EmbeddedStoreInspector(database),
        EmbeddedUsers(database),
        EmbeddedConversations(database),
        EmbeddedMessages(database),
    )


@contextmanager
def _database(settings: Settings, readers: int = FEW_READERS) -> Iterator[Database]:
    """Open the database for a block; commands need few readers."""
    database = Database.open(settings.data, settings.partitions, readers=readers)
    try:
        yield database
    finally:
        database.close()
