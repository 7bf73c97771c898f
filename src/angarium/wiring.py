"""The only place that picks an engine and puts the parts together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from angarium.api.application import MessagingApplication, Services
from angarium.api.server import Server, ServerLimits
from angarium.clock import Clock, SystemClock
from angarium.config import Settings
from angarium.domain.errors import SetupError
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.conversations import EmbeddedConversations
from angarium.engines.embedded.data_folder_lock import DataFolderLock
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.presence import EmbeddedPresence
from angarium.engines.embedded.users import EmbeddedUsers
from angarium.engines.secrets.passwords import ScryptHasher
from angarium.engines.secrets.secret_file import load_or_create
from angarium.engines.secrets.tokens import JwtSigner
from angarium.ports.conversations import ConversationStore
from angarium.ports.identity import TokenSigner
from angarium.ports.message_log import DeadLetterLog, LogConsumer, MessageLog
from angarium.ports.messages import MessageReader, MessageRecorder
from angarium.ports.presence import PresenceStore
from angarium.ports.users import UserStore
from angarium.router.worker import Worker
from angarium.services.authentication import Authentication
from angarium.services.conversations import Conversations
from angarium.services.delivery import Delivery
from angarium.services.health import Health
from angarium.services.history import History
from angarium.services.inbox import Inbox
from angarium.services.login import Login
from angarium.services.login_throttle import LoginThrottle
from angarium.services.presence import OnlineUsers, Presence
from angarium.services.sending import Sending
from angarium.services.store_calls import StoreCalls
from angarium.services.users import Provisioning, Users

SECRET_FILE = "jwt_secret"  # noqa: S105 - a file's name


@dataclass(frozen=True, slots=True)
class Engine:
    """Every port of one engine, connected.

    Attributes:
        log: Takes records.
        consumer: Joins the workers' group; called again after a failure.
        dead_letters: Keeps what could not be applied.
        users: Who may log in.
        conversations: Who talks to whom.
        recorder: The router's half of the messages.
        reader: The API's half of the messages.
        presence: Who was seen lately.
        signer: Makes and checks tokens.
    """

    log: MessageLog
    consumer: Callable[[], LogConsumer]
    dead_letters: DeadLetterLog
    users: UserStore
    conversations: ConversationStore
    recorder: MessageRecorder
    reader: MessageReader
    presence: PresenceStore
    signer: TokenSigner


@dataclass(frozen=True, slots=True)
class IdentityRoom:
    """What the commands about users need.

    Attributes:
        users: Where users are kept.
        provisioning: Adds users and changes passwords.
    """

    users: UserStore
    provisioning: Provisioning


@contextmanager
def embedded_engine(settings: Settings, clock: Clock) -> Iterator[Engine]:
    """Open the embedded engine for the one process that serves its folder.

    Args:
        settings: Names the folder and the partition count.
        clock: Tells the log's time.

    Yields:
        Every port, until the block ends.

    Raises:
        SetupError: The folder is in use, cannot be used, or was made with other settings.
    """
    with DataFolderLock(settings.data), _database(settings) as database:
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
                settings.jwt_secret or load_or_create(settings.data / SECRET_FILE),
                settings.jwt_issuer,
                settings.jwt_audience,
                settings.token_ttl,
            ),
        )


@contextmanager
def open_identity(settings: Settings) -> Iterator[IdentityRoom]:
    """Open just what the commands about users need, beside a running service or without one.

    Args:
        settings: Names the engine.

    Yields:
        The users and their provisioning, until the block ends.

    Raises:
        SetupError: The engine cannot be opened.
    """
    with _database(settings) as database:
        users = EmbeddedUsers(database)
        yield IdentityRoom(users, Provisioning(users, ScryptHasher(), SystemClock()))


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = Database.open(settings.data, settings.partitions)
    try:
        yield database
    finally:
        database.close()


def provision(settings: Settings, provisioning: Provisioning) -> None:
    """Add the configured users, or give them their new passwords; none is removed.

    Args:
        settings: Names the users.
        provisioning: Puts them into the store.
    """
    for user in settings.users:
        if user.password_hash is not None:
            provisioning.put_hash(user.username, user.password_hash)
        elif user.password is not None:
            provisioning.put(user.username, user.password)
        else:
            raise SetupError(f"user {user.username!r} has neither a password nor a password_hash")


def http_server(settings: Settings, engine: Engine, clock: Clock) -> Server:
    """Put the API together and bind its address.

    Args:
        settings: Addresses, limits and windows.
        engine: What it stands on.
        clock: Tells the time.

    Returns:
        A server that listens, and serves once it is told to.

    Raises:
        SetupError: The address cannot be listened on.
    """
    calls = StoreCalls()
    presence = Presence(engine.presence, settings.presence_window, clock)
    services = Services(
        authentication=Authentication(engine.signer, presence, clock),
        login=Login(
            engine.users,
            ScryptHasher(),
            engine.signer,
            LoginThrottle(settings.login_attempts, settings.login_window, clock),
            presence,
            clock,
            settings.token_ttl,
            calls,
        ),
        users=Users(engine.users, calls),
        conversations=Conversations(engine.conversations, engine.users, engine.reader, clock, calls),
        sending=Sending(engine.log, clock),
        delivery=Delivery(engine.log, engine.reader, clock, calls),
        history=History(engine.reader, calls),
        inbox=Inbox(engine.reader, calls),
        health=Health(engine.log, engine.conversations, clock),
    )
    limits = ServerLimits(
        max_in_flight=settings.max_inflight,
        idle_timeout=settings.idle_timeout,
        request_timeout=settings.request_timeout,
    )
    application = MessagingApplication(services, settings.trusted_proxies)
    try:
        return Server((settings.host, settings.port), application, limits, clock)
    except OSError as error:
        raise SetupError(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror or error}); stop what "
            "listens there, or choose another address with ANGARIUM_HOST and ANGARIUM_PORT"
        ) from error


def router_worker(settings: Settings, engine: Engine, clock: Clock) -> Worker:
    """Put the worker together.

    Args:
        settings: Windows.
        engine: What it stands on.
        clock: Tells the time.

    Returns:
        A worker that runs once it is told to.
    """
    online = OnlineUsers(engine.presence, settings.presence_window, clock)
    return Worker(engine.consumer, engine.recorder, engine.dead_letters, online, clock)
