"""The ports that a service under test stands on, and the API over
them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network

from angarium import logs
from angarium.api.application import MessagingApplication, Services
from angarium.api.cors import CorsPolicy
from angarium.api.endpoints.page import PageSettings
from angarium.api.host_check import HostCheck
from angarium.clock import Clock
from angarium.engines.secrets.tokens import JwtSigner
from angarium.ports.conversations import ConversationStore
from angarium.ports.identity import PasswordHasher, TokenSigner
from angarium.ports.message_log import LogConsumer, MessageLog
from angarium.ports.messages import MessageReader, MessageWriter
from angarium.ports.presence import PresenceStore
from angarium.ports.users import UserStore
from angarium.services.authentication import Authentication
from angarium.services.conversations import Conversations
from angarium.services.delivery import Delivery
from angarium.services.health import Health
from angarium.services.history import History
from angarium.services.inbox import Inbox
from angarium.services.login import Login
from angarium.services.login_throttle import LoginThrottle
from angarium.services.presence import Presence
from angarium.services.sending import Sending
from angarium.services.store_retry import StoreRetry
from angarium.services.users import Users

SECRET = "a key of thirty-two bytes or more"
ISSUER = AUDIENCE = "angarium"
TOKEN_TTL = 3600
LOGIN_ATTEMPTS = 5
LOGIN_WINDOW = 60.0
PRESENCE_WINDOW = 30.0
TRUSTED_PROXIES = (ip_network("127.0.0.0/8"),)


@dataclass(frozen=True, slots=True)
class Parts:
    """Every port, connected.

    Attributes:
        log: Takes records.
        open_consumer: Makes what reads them for the worker.
        users: Who may log in.
        conversations: Who talks to whom.
        message_writer: The router's half of the messages.
        reader: The API's half of the messages.
        presence: Who was seen lately.
        hasher: Hashes passwords.
        clock: Tells the time.
        signer: Makes and checks tokens.
    """

    log: MessageLog
    open_consumer: Callable[[], LogConsumer]
    users: UserStore
    conversations: ConversationStore
    message_writer: MessageWriter
    reader: MessageReader
    presence: PresenceStore
    hasher: PasswordHasher
    clock: Clock
    signer: TokenSigner


def signer() -> TokenSigner:
    """Make the signer of a service under test; tests that forge tokens
    know its key.
    """
    return JwtSigner(SECRET, ISSUER, AUDIENCE, TOKEN_TTL)


def application(
    parts: Parts,
    calls: StoreRetry | None = None,
    hosts: HostCheck | None = None,
    cors: CorsPolicy | None = None,
    page: PageSettings | None = None,
) -> MessagingApplication:
    """Put the API together."""
    calls = calls or StoreRetry()
    presence = Presence(parts.presence, PRESENCE_WINDOW, parts.clock)
    throttle = LoginThrottle(LOGIN_ATTEMPTS, LOGIN_WINDOW, parts.clock)
    repeats = logs.Repeats(parts.clock.monotonic)
    services = Services(
        authentication=Authentication(parts.signer, presence, parts.clock),
        login=Login(
            parts.users,
            parts.hasher,
            parts.signer,
            throttle,
            presence,
            parts.clock,
            TOKEN_TTL,
            calls,
        ),
        users=Users(parts.users, calls),
        conversations=Conversations(
            parts.conversations, parts.users, parts.reader, parts.clock, calls
        ),
        sending=Sending(parts.log, parts.clock, "api-1", repeats=repeats),
        delivery=Delivery(parts.log, parts.reader, parts.clock, calls, "api-1", repeats),
        history=History(parts.reader, calls),
        inbox=Inbox(parts.reader, calls),
        health=Health(parts.log, parts.conversations, parts.clock, repeats=repeats),
        repeats=repeats,
    )
    return MessagingApplication(services, TRUSTED_PROXIES, hosts=hosts, cors=cors, page=page)
