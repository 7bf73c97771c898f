"""Creates of one conversation at once, on a cluster that has much else
to do.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from uuid import UUID, uuid4

import pytest

from angarium.clock import SystemClock
from angarium.domain.conversation import Conversation
from angarium.domain.user import User
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter
from angarium.engines.cassandra.schema import prepare
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.users import CassandraUsers
from angarium.services.conversations import Conversations
from angarium.services.store_retry import StoreRetry
from tests.contract.ports.chat import ANSWER_S, Chat
from tests.engines.addresses import contact_points
from tests.engines.cassandra_sessions import PREPARE_S, connected

pytestmark = pytest.mark.engines

INSTANCES = 2
RACING = 24
ROUNDS = 5
PATIENCE_S = 15.0
"""What a create may take on a machine that starts servers meanwhile;
the service gives it 2 s.
"""


def instance(session: CassandraSession) -> Conversations:
    """Give what an API process has of its own."""
    return Conversations(
        CassandraConversations(session),
        CassandraUsers(session),
        CassandraMessageReader(session),
        SystemClock(),
        StoreRetry(PATIENCE_S),
    )


@contextmanager
def other_work(session: CassandraSession) -> Iterator[None]:
    """Store messages all the while, as fast as they are taken."""
    stopping = threading.Event()

    def store() -> None:
        while not stopping.is_set():
            chat = Chat()
            message_writer = CassandraMessageWriter(session)
            message_writer.record(chat.conversation_id, chat.messages(16)).exception(ANSWER_S)

    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(store)
        try:
            yield
        finally:
            stopping.set()


def test_of_two_dozen_creates_at_once_over_two_instances_all_succeed_and_one_made_it(
    cassandra: str, keyspace: str
) -> None:
    address = CassandraAddress(contact_points(cassandra), keyspace)
    prepare(address, 2, PREPARE_S)
    with closing(connected(address)) as one, closing(connected(address)) as other:
        instances = [instance(session) for session in (one, other)]
        users = CassandraUsers(one)
        with other_work(one), ThreadPoolExecutor(RACING) as pool:
            for _ in range(ROUNDS):
                pair = tuple(users.put(User(uuid4(), "somebody", "", 1)).user_id for _ in range(2))
                together = threading.Barrier(RACING)
                creating = [
                    pool.submit(create, instances, each, pair, together) for each in range(RACING)
                ]
                outcomes = [each.result(ANSWER_S) for each in creating]
                (made,) = [conversation for conversation, is_new in outcomes if is_new]
                assert {conversation for conversation, _ in outcomes} == {made}


def create(
    instances: list[Conversations],
    number: int,
    pair: tuple[UUID, ...],
    together: threading.Barrier,
) -> tuple[Conversation, bool]:
    """Create it through one of the instances, when all others do."""
    caller, other = pair if number // INSTANCES % 2 else reversed(pair)
    together.wait(ANSWER_S)
    return instances[number % INSTANCES].open(caller, [other])
