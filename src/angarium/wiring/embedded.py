"""The embedded engine: log and stores in one SQLite file, for the one
process that serves its folder.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from angarium.clock import Clock, SystemClock
from angarium.config import Settings
from angarium.domain.errors import SetupError
from angarium.domain.signing_secret import is_published
from angarium.engines.embedded.connection_pool import FEW_READERS, MAX_READERS
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.conversations import EmbeddedConversations
from angarium.engines.embedded.data_folder import DataFolderLock
from angarium.engines.embedded.database import FILE_NAME, Database
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.presence import EmbeddedPresence
from angarium.engines.embedded.users import EmbeddedUsers
from angarium.engines.secrets.secret_file import load_or_create
from angarium.engines.secrets.tokens import JwtSigner
from angarium.ports.message_log import DeadLetterLog, MessageLog
from angarium.ports.users import UserStore
from angarium.wiring.engine import Engine

SECRET_FILE = "jwt_secret"  # noqa: S105 - a file's name
CALLS_OF_USER = 1
"""A page is work of this process, whose threads take turns at the
interpreter: a second one makes no page sooner, and the event loop waits
for one thread more each time it comes back from the system."""


@contextmanager
def embedded_engine(settings: Settings, clock: Clock) -> Iterator[Engine]:
    """Open the embedded engine for the one process that serves its
    folder.

    Args:
        settings: Names the folder and the partition count.
        clock: Tells the log's time.

    Yields:
        Every port, until the block ends.

    Raises:
        SetupError: The folder is in use, cannot be used, or was made
            with other settings.
    """
    with DataFolderLock(settings.data), _database(settings, MAX_READERS) as database:
        log = EmbeddedLog(database, clock)
        messages = EmbeddedMessages(database)
        yield Engine(
            log=log,
            consumer=partial(EmbeddedConsumer, database, log, settings.group),
            dead_letters=EmbeddedDeadLetters(database),
            users=EmbeddedUsers(database),
            conversations=EmbeddedConversations(database),
            recorder=messages,
            reader=messages,
            presence=EmbeddedPresence(database),
            signer=JwtSigner(
                settings.jwt_secret or _kept_secret(settings),
                settings.jwt_issuer,
                settings.jwt_audience,
                settings.token_ttl,
            ),
            calls_of_user=CALLS_OF_USER,
        )


def _kept_secret(settings: Settings) -> str:
    """Take the secret that the data folder keeps, unless it is one that
    must not be served with.

    Args:
        settings: Name the folder, and tell who may reach the API.

    Returns:
        The secret.

    Raises:
        SetupError: The file is not safe, or others could come and it
            has the published secret in it.
    """
    path = settings.data / SECRET_FILE
    secret = load_or_create(path)
    if is_published(secret) and settings.is_exposed:
        raise SetupError(
            f"{settings.exposure}, and {path} has the published demo secret in it, with which "
            "everybody can "
            "log in as anybody; remove that file and every user logs in again, or set "
            "ANGARIUM_DEMO=1 to "
            "keep it all the same"
        )
    return secret


def has_data(settings: Settings) -> bool:
    """Tell whether there is anything to look at, without making it.

    Args:
        settings: Names the engine.

    Returns:
        False where the embedded engine's folder has no database yet;
        True on servers, whatever they have.
    """
    return bool(settings.kafka) or (settings.data / FILE_NAME).exists()


@contextmanager
def embedded_users(settings: Settings) -> Iterator[UserStore]:
    """Open just the users, beside a running service or without one.

    Args:
        settings: Names the folder and the partition count.

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
    """Open just the log and the dead letters, beside a running service
    or without one.

    Args:
        settings: Names the folder and the partition count.

    Yields:
        The log and its dead letters, until the block ends.

    Raises:
        SetupError: The folder cannot be used, or was made with other
            settings.
    """
    with _database(settings) as database:
        yield EmbeddedLog(database, SystemClock()), EmbeddedDeadLetters(database)


@contextmanager
def _database(settings: Settings, readers: int = FEW_READERS) -> Iterator[Database]:
    """Open the database, and close it at the block's end.

    Yields:
        The database.
    """
    database = Database.open(settings.data, settings.partitions, readers=readers)
    try:
        yield database
    finally:
        database.close()
