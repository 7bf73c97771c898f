"""Three nodes keep three copies: one of them may go at any time."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from itertools import islice
from uuid import uuid4

import pytest
from cassandra.cluster import Cluster

from angarium.domain.conversation import Conversation
from angarium.domain.identifiers import conversation_id_for
from angarium.domain.message import BEGINNING, LAST_OFFSET, Message, MessagePosition, Status
from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.inbox_reader import InboxReader
from angarium.engines.cassandra.message_reader import CassandraMessageReader
from angarium.engines.cassandra.message_writer import CassandraMessageWriter, chunks
from angarium.engines.cassandra.prefix_reads import ROWS_PER_MUTATION
from angarium.engines.cassandra.schema import KeyspaceReport, prepare
from angarium.engines.cassandra.session import CassandraSession
from angarium.engines.cassandra.store_inspector import CassandraStoreInspector
from angarium.ports.messages import StoreOutcome
from angarium.services.store_retry import StoreRetry
from tests.acceptance.service import until
from tests.contract.ports.chat import START, Chat, receipt
from tests.engines.addresses import contact_points
from tests.engines.cassandra_server import CassandraCluster, CassandraNode
from tests.engines.cassandra_sessions import PREPARE_S, connected
from tests.integration.cassandra.availability import until_it_answers

pytestmark = [pytest.mark.engines, pytest.mark.own_nodes]

REQUEST_S = 15.0
"""What a request may take, tried again as the service does, on a
machine that starts servers meanwhile.
"""

ROUNDS_BETWEEN = 10
ROUNDS_AFTER = 30

ROUNDS_AT_ONCE = 10

ROUNDS_TRIED_AGAIN_AT_MOST = ROUNDS_AFTER // 5
"""A machine that stands still costs some; where a silent node is waited
for, it is half of them.
"""

LEARNT_S = 6.0
"""Every 5 s nodes work out how long they wait for a silent copy; for a
new table that is 2.5 s until then.
"""


CHATS_A_WAY = 3
READS_A_CHAT = 4


@pytest.fixture
def address(cassandra_trio: CassandraCluster) -> CassandraAddress:
    address = CassandraAddress(contact_points(cassandra_trio.address), "three")
    cassandra_trio.start()
    until(lambda: prepare(address, 3, PREPARE_S) == KeyspaceReport(3, 3), "all nodes are up")
    return address


@pytest.fixture
def session(address: CassandraAddress) -> Iterator[CassandraSession]:
    with closing(connected(address)) as session:
        yield session


def round_of_requests(session: CassandraSession, in_time: StoreRetry) -> None:
    """Do once what users and workers do."""
    message_writer, reader, store = (
        CassandraMessageWriter(session),
        CassandraMessageReader(session),
        CassandraConversations(session),
    )
    chat = Chat()
    first, second = sorted((chat.alice, chat.bob))
    kept = Conversation(chat.conversation_id, (first, second), START)
    messages = chat.messages(3)
    claim = uuid4()
    assert in_time(lambda: store.create(kept, claim)) == (kept, True)
    stored = in_time(
        lambda: message_writer.record(chat.conversation_id, messages).result(REQUEST_S)
    )
    assert set(stored) <= {StoreOutcome.STORED, StoreOutcome.REPLAYED}
    assert in_time(lambda: list(reader.newer(chat.conversation_id, BEGINNING, 10))) == messages
    in_time(
        lambda: message_writer.mark_delivered(chat.conversation_id, [receipt(messages[0])]).result(
            REQUEST_S
        )
    )
    assert in_time(lambda: list(reader.inbox(chat.bob, None, 10))) == messages[1:]


@contextmanager
def use(session: CassandraSession, threads: int = 3) -> Iterator[Callable[[int], None]]:
    """Use the store all the while; give a way to wait for so many more
    rounds that went well.
    """
    in_time = StoreRetry(REQUEST_S)
    stopping, changed = threading.Event(), threading.Condition()
    done = 0

    def run() -> None:
        nonlocal done
        while not stopping.is_set():
            round_of_requests(session, in_time)
            with changed:
                done += 1
                changed.notify_all()

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(run) for _ in range(threads)]

        def more(rounds: int) -> None:
            with changed:
                until = done + rounds
                while done < until and not any(each.done() for each in running):
                    changed.wait(1.0)

        try:
            yield more
        finally:
            stopping.set()
            for each in running:
                each.result()


def test_nobody_notices_that_one_of_three_nodes_dies_and_comes_back(
    cassandra_trio: CassandraCluster, session: CassandraSession
) -> None:
    with use(session) as more:
        more(ROUNDS_BETWEEN)
        cassandra_trio.nodes[0].kill()
        more(ROUNDS_AFTER)
        cassandra_trio.start()
        more(ROUNDS_BETWEEN)


def test_a_node_that_falls_silent_stops_nobody(
    cassandra_trio: CassandraCluster, session: CassandraSession, keyspace: str
) -> None:
    # Nodes that have just started are slow themselves.
    until(lambda: not any(tries_again(session) for _ in range(ROUNDS_BETWEEN)), "all are quick")
    address = CassandraAddress(contact_points(cassandra_trio.address), keyspace)
    prepare(address, 3, PREPARE_S)
    # Nobody has read these tables: no node knows from earlier reads how
    # long one takes.
    with closing(connected(address)) as session, ThreadPoolExecutor(ROUNDS_AT_ONCE) as pool:
        cassandra_trio.nodes[1].process.wait_until(elapsed(LEARNT_S), 2 * LEARNT_S)
        cassandra_trio.nodes[1].freeze()
        try:
            tries = list(pool.map(lambda _: tries_again(session), range(ROUNDS_AFTER)))
        finally:
            cassandra_trio.nodes[1].resume()
    assert sum(1 for again in tries if again) <= ROUNDS_TRIED_AGAIN_AT_MOST


def elapsed(seconds: float) -> Callable[[], bool]:
    """Give what tells whether so much time has gone by since."""
    over_at = time.monotonic() + seconds
    return lambda: time.monotonic() >= over_at


def tries_again(session: CassandraSession) -> int:
    """Do a round, and count what had to be tried once more."""
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        time.sleep(seconds)

    round_of_requests(session, StoreRetry(REQUEST_S, wait))
    return len(waits)


def test_a_session_opened_while_one_node_is_silent_connects(
    cassandra_trio: CassandraCluster, address: CassandraAddress
) -> None:
    cassandra_trio.nodes[0].freeze()
    try:
        with closing(connected(address)) as session:
            store, nobodys = CassandraConversations(session), conversation_id_for(uuid4(), uuid4())
            assert StoreRetry(REQUEST_S)(lambda: store.get(nobodys, uuid4())) is None
    finally:
        cassandra_trio.nodes[0].resume()


def test_messages_that_have_reached_one_copy_of_three_are_seen_with_all_before_them(
    cassandra_trio: CassandraCluster, keyspace: str
) -> None:
    address, alone = kept_in(cassandra_trio, keyspace, 1), cassandra_trio.nodes[0]
    with closing(connected(address)) as session, driver(address) as cluster:
        reads = ways(session)
        chats = list(islice(kept_by(cluster, keyspace, alone), CHATS_A_WAY * len(reads)))
        stored = {chat.conversation_id: chat.messages(ROWS_PER_MUTATION) for chat in chats}
        for conversation_id, messages in stored.items():
            CassandraMessageWriter(session).record(conversation_id, messages).result(REQUEST_S)
        # As when a worker and its coordinator died before the messages
        # reached the others.
        keep_copies(cluster, address, 3)
        reader = CassandraMessageReader(session)
        # Each chat is read in one way alone: a wide read brings to the
        # other copies what a narrow one would have shown them a part
        # of. Whichever two copies are asked, the only one is among them
        # some time.
        for chat, read in zip(chats, reads * CHATS_A_WAY, strict=True):
            last = stored[chat.conversation_id][-1]
            for _ in range(READS_A_CHAT):
                StoreRetry(REQUEST_S)(partial(read, chat, last))
        alone.freeze()
        for conversation_id, messages in stored.items():
            found = until_it_answers(partial(reader.newer, conversation_id, BEGINNING, 100))
            assert list(found) == messages[: len(found)]
        alone.resume()


def test_a_receipt_that_has_reached_one_copy_of_three_is_seen_with_its_time(
    cassandra_trio: CassandraCluster, keyspace: str
) -> None:
    address, alone = kept_in(cassandra_trio, keyspace, 3), cassandra_trio.nodes[0]
    with closing(connected(address)) as session, driver(address) as cluster:
        chats = list(islice(kept_by(cluster, keyspace, alone), CHATS_A_WAY))
        # The first one is not among the newest, which are read whole
        # before anything else.
        stored = {
            chat.conversation_id: [*chat.messages(2), *chat.messages(ROWS_PER_MUTATION)]
            for chat in chats
        }
        writer, reader = CassandraMessageWriter(session), CassandraMessageReader(session)
        for conversation_id, messages in stored.items():
            for batch in chunks(messages, ROWS_PER_MUTATION):
                writer.record(conversation_id, batch).result(REQUEST_S)
        keep_copies(cluster, address, 1)
        for conversation_id, messages in stored.items():
            writer.mark_delivered(conversation_id, [receipt(messages[0])]).result(REQUEST_S)
        # As when the coordinator died before the receipt reached the
        # other copies.
        keep_copies(cluster, address, 3)
        for conversation_id, messages in stored.items():
            for _ in range(READS_A_CHAT):
                StoreRetry(REQUEST_S)(
                    partial(reader.recipients, conversation_id, [messages[0].message_id])
                )
        alone.freeze()
        for conversation_id, messages in stored.items():
            found = until_it_answers(partial(reader.newer, conversation_id, BEGINNING, 1))
            assert found[0] == messages[0]._replace(
                status=Status.DELIVERED, delivered_at=receipt(messages[0]).delivered_at
            )
        alone.resume()


def kept_in(trio: CassandraCluster, keyspace: str, copies: int) -> CassandraAddress:
    """Make a keyspace with so many copies, all nodes being up."""
    trio.start()
    address = CassandraAddress(contact_points(trio.address), keyspace)
    prepare(address, copies, PREPARE_S)
    return address


def kept_by(cluster: Cluster, keyspace: str, node: CassandraNode) -> Iterator[Chat]:
    """Make chats whose first copy is on a node."""
    return (
        chat
        for chat in iter(Chat, None)
        if cluster.metadata.get_replicas(keyspace, chat.conversation_id.bytes)[0].address
        == node.address
    )


def keep_copies(cluster: Cluster, address: CassandraAddress, number: int) -> None:
    """Keep so many copies of what is written from now on; what is there
    stays where it is.
    """
    cluster.connect().execute(
        f'ALTER KEYSPACE "{address.keyspace}" WITH replication = '
        f"{{'class': 'NetworkTopologyStrategy', '{address.datacenter}': {number}}}",
        timeout=30.0,
    )


def ways(session: CassandraSession) -> list[Callable[[Chat, Message], object]]:
    """Give all ways to read a part of a conversation, or its last
    message.
    """
    reader = CassandraMessageReader(session)
    return [
        lambda chat, _: reader.inbox(chat.bob, None, 1),
        lambda chat, _: reader.summaries(chat.alice, [chat.conversation_id]),
        lambda chat, _: InboxReader(session).counts(chat.bob, [chat.conversation_id], 100),
        lambda chat, _: reader.older(chat.conversation_id, None, 1),
        lambda chat, _: reader.newer(chat.conversation_id, BEGINNING, 3),
        lambda chat, _: reader.newer(
            chat.conversation_id, MessagePosition(START + 7, LAST_OFFSET), 3
        ),
        # The index row may be repaired alone, and names its position.
        lambda chat, last: reader.find(chat.conversation_id, [last.message_id]),
        lambda chat, last: reader.recipients(chat.conversation_id, [last.message_id]),
        lambda chat, last: CassandraStoreInspector(session, "messages").find(
            chat.conversation_id, last.message_id
        ),
        lambda chat, last: (
            CassandraMessageWriter(session)
            .mark_delivered(chat.conversation_id, [receipt(last, by=chat.alice)])
            .result(REQUEST_S)
        ),
    ]


@contextmanager
def driver(address: CassandraAddress) -> Iterator[Cluster]:
    """Give the driver itself, connected."""
    cluster = clusters.build(address)
    try:
        cluster.connect()
        yield cluster
    finally:
        cluster.shutdown()
