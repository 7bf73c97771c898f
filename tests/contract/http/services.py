"""The services that the HTTP contract is held against, by name: a new
engine adds a line to `SERVED`.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from angarium.api.transport.server import Server, ServerLimits
from angarium.clock import SystemClock
from angarium.domain.identifiers import user_id_for
from angarium.domain.user import Principal, User
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.presence import CassandraPresence
from angarium.engines.cassandra.users import CassandraUsers
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.conversations import EmbeddedConversations
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.dead_letters import EmbeddedDeadLetters
from angarium.engines.embedded.log import EmbeddedLog
from angarium.engines.embedded.messages import EmbeddedMessages
from angarium.engines.embedded.presence import EmbeddedPresence
from angarium.engines.embedded.users import EmbeddedUsers
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.engines.kafka.log import KafkaLog
from angarium.ports.message_log import DeadLetterLog
from angarium.router.worker import Worker
from angarium.services.presence import OnlineUsers
from tests.balancer import balancer
from tests.contract.http.client import Client, Person, Talk, Transport
from tests.contract.http.described import check_answer
from tests.contract.http.in_process import InProcess
from tests.contract.http.over_socket import OverSocket
from tests.contract.http.parts import PRESENCE_WINDOW, Parts, application, signer
from tests.engines.cassandra_sessions import shared_sessions
from tests.engines.kafka_topics import delete_topics, make_topics
from tests.fakes.consumer import MemoryConsumer
from tests.fakes.conversations import MemoryConversations
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.log import MemoryLog
from tests.fakes.messages import MemoryMessages
from tests.fakes.passwords import CheapHasher
from tests.fakes.presence import MemoryPresence
from tests.fakes.users import MemoryUsers

PASSWORD = "correct horse battery staple"
PARTITIONS = 12
STOP_S = 20.0


@dataclass(frozen=True, slots=True)
class Service:
    """A running service.

    Attributes:
        transport: Reaches it.
        parts: What it stands on.
        password_hash: Of the password that everybody has.
        url: Its address, empty when it has none.
    """

    transport: Transport
    parts: Parts
    password_hash: str
    url: str = ""

    def stranger(self) -> Client:
        """Give a client without a token."""
        return Client(self.transport, check_answer)

    def person(self, username: str) -> Person:
        """Add a user and log them in, without a request: nobody saw
        them yet.
        """
        parts = self.parts
        user_id = user_id_for(username)
        now_ms = parts.clock.now_ms()
        parts.users.put(User(user_id, username, self.password_hash, now_ms))
        token = parts.signer.issue(Principal(user_id, username), now_ms)
        return Person(user_id, username, PASSWORD, token, self.bearing(token))

    def bearing(self, token: str) -> Client:
        """Give a client that sends a token, whatever it is."""
        return Client(self.transport, check_answer, [("Authorization", f"Bearer {token}")])


def memory_parts() -> Parts:
    """Connect engines in memory."""
    clock = SystemClock()
    log = MemoryLog(clock=clock)
    messages = MemoryMessages()
    return Parts(
        log=log,
        open_consumer=lambda: MemoryConsumer(log),
        users=MemoryUsers(),
        conversations=MemoryConversations(),
        message_writer=messages,
        reader=messages,
        presence=MemoryPresence(),
        hasher=CheapHasher(),
        clock=clock,
        signer=signer(),
    )


@contextmanager
def in_memory(*_: object) -> Iterator[Service]:
    """Run the API and the worker over engines in memory, without a
    server.
    """
    parts = memory_parts()
    with running_worker(parts, MemoryDeadLetters()):
        yield Service(InProcess(application(parts)), parts, parts.hasher.hash(PASSWORD))


@contextmanager
def embedded(folder: Path, _: pytest.FixtureRequest) -> Iterator[Service]:
    """Run the server and the worker over the embedded engine; only the
    password hashes are cheap.
    """
    clock = SystemClock()
    database = Database.open(folder, PARTITIONS)
    try:
        log = EmbeddedLog(database, clock)
        messages = EmbeddedMessages(database)
        parts = Parts(
            log=log,
            open_consumer=lambda: EmbeddedConsumer(database, log, "router"),
            users=EmbeddedUsers(database),
            conversations=EmbeddedConversations(database),
            message_writer=messages,
            reader=messages,
            presence=EmbeddedPresence(database),
            hasher=CheapHasher(),
            clock=clock,
            signer=signer(),
        )
        with running_worker(parts, EmbeddedDeadLetters(database)), running_server(parts) as url:
            yield Service(OverSocket(url), parts, parts.hasher.hash(PASSWORD), url)
    finally:
        database.close()


@contextmanager
def balanced(folder: Path, request: pytest.FixtureRequest) -> Iterator[Service]:
    """Run the embedded one behind the balancer as it is deployed:
    nothing may look different.

    The tests stand for an outer proxy, as they name other addresses.
    """
    with (
        embedded(folder, request) as service,
        balancer(folder, int(service.url.rsplit(":", 1)[1]), ["127.0.0.1"]) as url,
    ):
        yield replace(service, transport=OverSocket(url), url=url)


@contextmanager
def distributed(_: Path, request: pytest.FixtureRequest) -> Iterator[Service]:
    """Run the server and the worker over the session's Kafka and
    Cassandra, with a topic of their own.
    """
    connection = KafkaConnectionSettings((request.getfixturevalue("steady_kafka"),))
    topic = f"messages-{uuid4().hex[:8]}"
    make_topics(connection, topic, PARTITIONS)
    session = shared_sessions(request, request.getfixturevalue("steady_cassandra"))[0]
    clock = SystemClock()
    with (
        closing(KafkaLog(connection, topic, PARTITIONS, clock)) as log,
        closing(KafkaDeadLetters(connection, topic, clock)) as dead_letters,
    ):
        log.wait_until_connected(STOP_S)
        parts = Parts(
            log=log,
            open_consumer=lambda: KafkaLogConsumer(connection, topic, topic, clock),
            users=CassandraUsers(session),
            conversations=CassandraConversations(session),
            message_writer=CassandraMessageWriter(session),
            reader=CassandraMessageReader(session),
            presence=CassandraPresence(session, PRESENCE_WINDOW),
            hasher=CheapHasher(),
            clock=clock,
            signer=signer(),
        )
        with running_worker(parts, dead_letters), running_server(parts) as url:
            yield Service(OverSocket(url), parts, parts.hasher.hash(PASSWORD), url)
    delete_topics(connection, topic)


@contextmanager
def running_server(parts: Parts) -> Iterator[str]:
    """Run a server on a free port for as long as the block lasts, and
    give its address.
    """
    server = Server(("127.0.0.1", 0), application(parts), ServerLimits(), parts.clock)
    thread = threading.Thread(target=server.serve, name="server")
    thread.start()
    try:
        yield server.url
    finally:
        server.stop(STOP_S)
        thread.join(2 * STOP_S)
        server.server_close()
        assert not thread.is_alive(), "the server did not stop"


@contextmanager
def running_worker(parts: Parts, dead_letters: DeadLetterLog) -> Iterator[None]:
    """Run a router worker for as long as the block lasts."""
    online = OnlineUsers(parts.presence, PRESENCE_WINDOW, parts.clock)
    worker = Worker(
        parts.open_consumer, PARTITIONS, parts.message_writer, dead_letters, online, parts.clock
    )
    stopping = threading.Event()
    thread = threading.Thread(target=worker.run, args=[stopping], name="worker")
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(STOP_S)
        assert not thread.is_alive(), "the worker did not stop"


def opened_talk(service: Service, one: str, other: str) -> Talk:
    """Open a conversation, which may be there already, for the tests of
    a whole session.
    """
    people = service.person(one), service.person(other)
    opened = people[0].client.post(
        "/v1/conversations", {"participant_ids": [str(people[1].user_id)]}
    )
    return Talk(opened.text("conversation_id"), *people)


Starter = Callable[[Path, pytest.FixtureRequest], AbstractContextManager[Service]]

SERVED = [
    pytest.param(distributed, id="distributed", marks=pytest.mark.engines),
    pytest.param(embedded, id="embedded"),
    pytest.param(balanced, id="balanced", marks=pytest.mark.balancer),
]
"""Those that have an address; each makes a service for one session of
tests, with a folder of its own.

The one on servers is not the last: it ends when its tests do, and
misses no server that others take away.
"""

WITHOUT_SERVERS = [each for each in SERVED if each.id != "distributed"]
"""For what the server and the endpoints do alike on every engine."""

SERVICES = [
    pytest.param(in_memory, id="in_memory"),
    *(each for each in SERVED if each.id != "balanced"),
]
"""For what depends on the engine; the balancer does not."""


def started(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AbstractContextManager[Service]:
    """Start the service that a parametrized fixture asks for."""
    start: Starter = request.param
    return start(tmp_path_factory.mktemp("service"), request)
