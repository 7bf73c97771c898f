"""How Cassandra is reached: addresses, policies and patience."""

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cassandra import ConsistencyLevel
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, EndPoint, ExecutionProfile
from cassandra.connection import DefaultEndPoint
from cassandra.policies import (
    ConstantSpeculativeExecutionPolicy,
    DCAwareRoundRobinPolicy,
    ExponentialReconnectionPolicy,
    TokenAwarePolicy,
)
from cassandra.query import tuple_factory

from angarium.engines.cassandra.patches.bounded_connection import BoundedConnection

REQUEST_SECONDS = 2.0
CONTROL_SECONDS = 5.0
"""How long a node may take to describe the cluster. One that has just
started needs more than the driver's 2 s, and would be given up although
it answers everything else.
"""

HEARTBEAT_SECONDS = 5
RECONNECT_SECONDS = (0.5, 5.0)
ASK_ANOTHER_AFTER_SECONDS = 0.25
"""A node that falls silent keeps its connections until it misses a
heartbeat; until then another is asked.
"""

PROTOCOL = 5
"""Cassandra 4.0 and newer."""


@dataclass(frozen=True, slots=True)
class CassandraAddress:
    """Where the cluster is, and how much of it must answer.

    Attributes:
        contact_points: Hosts and ports.
        keyspace: The keyspace, letters, digits and underscores.
        datacenter: The local one.
        consistency: Of reads and writes, such as `LOCAL_QUORUM`.
        username: None where nobody logs in.
        password: None where nobody logs in.
        cafile: Whom to trust; None for a connection that is not
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
    """Make a cluster object; a failed `connect` spoils it, so each try
    needs a new one.

    Args:
        address: Where it is.

    Returns:
        An object that has not connected yet.
    """
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(address.datacenter)),
        consistency_level=ConsistencyLevel.name_to_value[address.consistency],
        serial_consistency_level=_serial(address.consistency),
        speculative_execution_policy=ConstantSpeculativeExecutionPolicy(
            ASK_ANOTHER_AFTER_SECONDS, 1
        ),
        request_timeout=REQUEST_SECONDS,
        row_factory=tuple_factory,
    )
    return Cluster(
        contact_points=[_end_point(host, port) for host, port in address.contact_points],
        connection_class=BoundedConnection,
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        # The default gives up after 64 tries; a node may be away for
        # longer.
        reconnection_policy=ExponentialReconnectionPolicy(*RECONNECT_SECONDS, None),
        protocol_version=PROTOCOL,
        idle_heartbeat_interval=HEARTBEAT_SECONDS,
        idle_heartbeat_timeout=HEARTBEAT_SECONDS,
        connect_timeout=REQUEST_SECONDS,
        # The driver hands a request over in pieces of 4 KB, and each
        # piece would wait until the node has acknowledged the one
        # before, for which it takes up to 40 ms.
        sockopts=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        control_connection_timeout=CONTROL_SECONDS,
        auth_provider=_login(address),
        ssl_context=_encryption(address),
        # One silent node would hold up every statement in turn; nodes
        # learn of a statement when they need it.
        prepare_on_all_hosts=False,
        monitor_reporting_enabled=False,
    )


def _end_point(host: str, port: int) -> EndPoint:
    return DefaultEndPoint(host, port)


def _serial(consistency: str) -> int:
    local = consistency.startswith("LOCAL")
    return int(ConsistencyLevel.LOCAL_SERIAL if local else ConsistencyLevel.SERIAL)


def _login(address: CassandraAddress) -> PlainTextAuthProvider | None:
    if address.username is None:
        return None
    return PlainTextAuthProvider(address.username, address.password)


def _encryption(address: CassandraAddress) -> ssl.SSLContext | None:
    return (
        None if address.cafile is None else ssl.create_default_context(cafile=str(address.cafile))
    )
