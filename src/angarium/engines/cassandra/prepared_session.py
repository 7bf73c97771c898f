"""A session of the driver with every statement prepared."""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from cassandra.cluster import Cluster, Session
from cassandra.query import PreparedStatement

from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.cluster import REQUEST_S, CassandraAddress
from angarium.engines.cassandra.statements import SENT_ONCE, Statement
from angarium.threads import NamedThread, show_thread_names


@dataclass(frozen=True, slots=True)
class PreparedSession:
    """A session of the driver that is ready for requests.

    Attributes:
        cluster: Shut down at the end.
        session: Executes statements.
        prepared: Every statement of `statements`.
    """

    cluster: Cluster
    session: Session
    prepared: Mapping[Statement, PreparedStatement]

    def reaches_a_node(self) -> bool:
        """Say whether a connection to any node is open.

        Returns:
            False while no node is connected; a silent node counts until
            it missed a heartbeat.
        """
        return any(pool["open_count"] for pool in self.session.get_pool_state().values())

    def end(self) -> threading.Thread:
        """Disconnect without waiting.

        The driver waits for its threads without a time limit.

        Returns:
            The thread that disconnects.
        """
        ending = NamedThread(target=self.cluster.shutdown, name="cassandra-close", daemon=True)
        ending.start()
        return ending


def connect(
    address: CassandraAddress, build: Callable[[CassandraAddress], Cluster] = clusters.build
) -> PreparedSession:
    """Connect through the contact points, resolving their names.

    Args:
        address: Where the cluster is.
        build: Makes a cluster object that has not connected yet.

    Returns:
        The connection, with every statement prepared.

    Raises:
        Exception: Whatever the driver raises while it cannot be used.
    """
    cluster = build(address)
    try:
        session = cluster.connect()
        # Every page is limited by its LIMIT; with the driver's own
        # paging a request would return the first part only.
        session.default_fetch_size = None
        # Where a write's timestamp does not come from the log, the
        # nodes set it: an API's own clock may be wrong.
        session.use_client_timestamp = False
        keyspace = address.quoted_keyspace
        prepared = {statement: session.prepare(statement.cql(keyspace)) for statement in Statement}
    except BaseException:
        cluster.shutdown()
        raise
    show_thread_names()
    for statement, each in prepared.items():
        each.is_idempotent = statement not in SENT_ONCE
    return PreparedSession(cluster, session, prepared)


def listens(address: CassandraAddress) -> bool:
    """Say whether any contact point accepts a connection now.

    Names are resolved each time. An attempt of the driver would cost
    threads and log lines; this costs one connection.

    Args:
        address: Where the cluster is.

    Returns:
        True when one of them does.
    """
    for contact_point in address.contact_points:
        with suppress(OSError), socket.create_connection(contact_point, REQUEST_S):
            return True
    return False
