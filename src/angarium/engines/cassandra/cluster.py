"""How Cassandra is reached: addresses, policies and timeouts."""

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.connection import DefaultEndPoint
from cassandra.policies import (
    ConstantSpeculativeExecutionPolicy,
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    TokenAwarePolicy,
)
from cassandra.query import tuple_factory

from angarium.engines.cassandra.patches.bounded_connection import BoundedConnection

REQUEST_S = 2.0
"""The maximum for one request: no caller of the API waits longer for
the store (docs/adr/0007).
"""
CONTROL_S = 5.0
"""How long a node may take to describe the cluster. One that has just
started needs more than the driver's default of 2 s; it would be dropped
although it answers all other requests.
"""

HEARTBEAT_S = 5
"""Idle connections are checked this often, and this is also how long
the check may take: a node that falls silent is noticed within 10 s (the
driver's defaults would need 60).
"""
RECONNECT_S = (0.5, 5.0)
"""The first and the longest pause between attempts to reconnect to a
node: one that is back is used again within 5 s.
"""
ASK_ANOTHER_AFTER_S = 0.25
"""A node that falls silent keeps its connections until it misses a
heartbeat; until then a request is also sent to another node after this
time, far longer than a healthy one takes.
"""

PROTOCOL = 5
"""Cassandra 4.0 and newer."""


@dataclass(frozen=True, slots=True)
class CassandraAddress:
    """Where the cluster is, and how many replicas must answer.

    Attributes:
        contact_points: Hosts and ports that the cluster is found
            through.
        keyspace: Letters, digits and underscores; capitals count.
        datacenter: The local one, as the nodes call it.
        consistency: Of reads and writes, such as `LOCAL_QUORUM`.
        username: None where the nodes ask for no login.
        password: None where the nodes ask for no login.
        cafile: Certificates to trust; None for a connection that is not
            encrypted.
    """

    contact_points: Sequence[tuple[str, int]]
    keyspace: str = "angarium"
    datacenter: str = "datacenter1"
    consistency: str = "LOCAL_QUORUM"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    cafile: Path | None = None

    @property
    def quoted_keyspace(self) -> str:
        """The keyspace as CQL has it, capitals and all."""
        escaped = self.keyspace.replace('"', '""')
        return f'"{escaped}"'


def build(address: CassandraAddress) -> Cluster:
    """Make a cluster object for one attempt to connect.

    A failed `connect` makes it unusable, so each attempt needs a new
    one.

    Args:
        address: Where the cluster is.

    Returns:
        An object that has not connected yet.
    """
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(address.datacenter)),
        consistency_level=ConsistencyLevel.name_to_value[address.consistency],
        serial_consistency_level=_serial(address.consistency),
        speculative_execution_policy=ConstantSpeculativeExecutionPolicy(ASK_ANOTHER_AFTER_S, 1),
        request_timeout=REQUEST_S,
        row_factory=tuple_factory,
    )
    return Cluster(
        contact_points=[DefaultEndPoint(host, port) for host, port in address.contact_points],
        connection_class=BoundedConnection,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        # The default gives up after 64 attempts; a node may be away for
        # longer.
        reconnection_policy=ExponentialReconnectionPolicy(*RECONNECT_S, None),
        protocol_version=PROTOCOL,
        idle_heartbeat_interval=HEARTBEAT_S,
        idle_heartbeat_timeout=HEARTBEAT_S,
        connect_timeout=REQUEST_S,
        # The driver sends a request in pieces of 4 KB. With Nagle's
        # algorithm each piece would wait for the acknowledgement of the
        # one before, up to 40 ms.
        sockopts=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        control_connection_timeout=CONTROL_S,
        auth_provider=_login(address),
        ssl_context=_encryption(address),
        # One silent node would delay every statement in turn; a node
        # prepares a statement when it first needs it.
        prepare_on_all_hosts=False,
        monitor_reporting_enabled=False,
    )


def _serial(consistency: str) -> int:
    """Return the consistency of conditional writes."""
    local = consistency.startswith("LOCAL")
    return int(ConsistencyLevel.LOCAL_SERIAL if local else ConsistencyLevel.SERIAL)


def _login(address: CassandraAddress) -> PlainTextAuthProvider | None:
    """Return what the driver logs in with, or None."""
    if address.username is None:
        return None
    return PlainTextAuthProvider(address.username, address.password)


def _encryption(address: CassandraAddress) -> ssl.SSLContext | None:
    """Return a TLS context that trusts one file, or None."""
    return (
        None if address.cafile is None else ssl.create_default_context(cafile=str(address.cafile))
    )
