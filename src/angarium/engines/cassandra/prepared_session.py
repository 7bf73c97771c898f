"""A session of the driver with everything that is asked through it."""

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from cassandra.cluster import Cluster, Session
from cassandra.query import PreparedStatement

from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.cluster import REQUEST_SECONDS, CassandraAddress
from angarium.engines.cassandra.statements import ASKED_ONCE, Statement
from angarium.threads import NamedThread, show_thread_names


@dataclass(frozen=True, slots=True)
class PreparedSession:
    """A session of the driver that is ready to be asked.

    Attributes:
        cluster: To shut down.
        session: To ask.
        prepared: Every statement.
    """

    cluster: Cluster
    session: Session
    prepared: Mapping[Statement, PreparedStatement]

    def reaches_a_node(self) -> bool:
        """Tell whether a connection to any node is open.

        Returns:
            False while there is nobody to ask; a silent node counts
            until it missed a heartbeat.
        """
        return any(pool["open_count"] for pool in self.session.get_pool_state().values())

    def end(self) -> threading.Thread:
        """Disconnect without waiting: the driver waits for its threads
        without a bound.

        Returns:
            The thread that disconnects.
        """
        ending = NamedThread(target=self.cluster.shutdown, name="cassandra-close", daemon=True)
        ending.start()
        return ending


def connect(
    address: CassandraAddress, build: Callable[[CassandraAddress], Cluster] = clusters.build
) -> PreparedSession:
    """Connect through the contact points, whose names are resolved now.

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
        # Every page is bounded by its LIMIT; the driver's own paging
        # would only hand out first pages.
        session.default_fetch_size = None
        # What has no time of the log gets the nodes': an API's own
        # clock may be wrong.
        session.use_client_timestamp = False
        keyspace = address.quoted_keyspace
        prepared = {statement: session.prepare(statement.cql(keyspace)) for statement in Statement}
    except BaseException:
        cluster.shutdown()
        raise
    show_thread_names()
    for statement, each in prepared.items():
        each.is_idempotent = statement not in ASKED_ONCE
    return PreparedSession(cluster, session, prepared)


def listens(address: CassandraAddress) -> bool:
    """Tell whether anybody takes connections at a contact point, whose
    names are resolved now.

    Args:
        address: Where the cluster is.

    Returns:
        True when somebody does; a try of the driver costs threads and
        log lines, this one does not.
    """
    for contact_point in address.contact_points:
        with suppress(OSError), socket.create_connection(contact_point, REQUEST_SECONDS):
            return True
    return False
