"""Making the keyspace and its tables; safe to repeat and to race."""

import re
import time
from dataclasses import dataclass
from importlib import resources

from cassandra.cluster import Session

from angarium import backoff
from angarium.domain.errors import SetupError
from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.errors import DRIVER_ERRORS

STATEMENT_SECONDS = 30.0
_KEYSPACE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")


@dataclass(frozen=True, slots=True)
class KeyspaceReport:
    """What `init` found.

    Attributes:
        replication: Copies of each row, as the keyspace says.
        nodes: Live nodes of the datacenter.
    """

    replication: int
    nodes: int


def prepare(address: CassandraAddress, replication: int, timeout: float) -> KeyspaceReport:
    """Make the keyspace and its tables where they are missing; wait for servers that are still starting.

    Args:
        address: Where the cluster is.
        replication: Copies of each row in the datacenter, for a keyspace that is made now.
        timeout: Seconds to wait for servers that do not answer yet.

    Returns:
        What was found.

    Raises:
        SetupError: The servers did not answer in time, or the keyspace was made with another replication.
    """
    give_up = time.monotonic() + timeout
    for wait in backoff.delays(0.2, 2.0):
        try:
            return _prepare(address, replication)
        except DRIVER_ERRORS as error:
            if time.monotonic() + wait > give_up:
                raise SetupError(
                    f"Cassandra at {_shown(address)} could not be prepared within {timeout:.0f} s "
                    f"({type(error).__name__}: {str(error)[:300]}); check ANGARIUM_CASSANDRA, and its nodes"
                ) from error
        time.sleep(wait)
    raise AssertionError("the waits do not end")


def _prepare(address: CassandraAddress, replication: int) -> KeyspaceReport:
    if _KEYSPACE.fullmatch(address.keyspace) is None:
        raise SetupError(f"{address.keyspace!r} cannot be a keyspace's name; change ANGARIUM_KEYSPACE")
    cluster = clusters.build(address)
    try:
        session = cluster.connect()
        _make_keyspace(session, address, replication)
        _make_tables(session, address.keyspace)
        hosts = cluster.metadata.all_hosts()
        nodes = sum(1 for host in hosts if host.is_up and host.datacenter == address.datacenter)
        return KeyspaceReport(_replication(session, address), nodes)
    finally:
        cluster.shutdown()


def _make_keyspace(session: Session, address: CassandraAddress, replication: int) -> None:
    session.execute(
        f"CREATE KEYSPACE IF NOT EXISTS {address.keyspace} WITH replication = "
        f"{{'class': 'NetworkTopologyStrategy', '{address.datacenter}': {replication}}}",
        timeout=STATEMENT_SECONDS,
    )
    found = _replication(session, address)
    if found != replication:
        raise SetupError(
            f"keyspace {address.keyspace} keeps {found} copies in {address.datacenter}, but "
            f"ANGARIUM_REPLICATION is {replication}; set it to {found}, or alter the keyspace and repair"
        )


def _replication(session: Session, address: CassandraAddress) -> int:
    query = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s"
    ((options,),) = session.execute(query, (address.keyspace.lower(),), timeout=STATEMENT_SECONDS)
    return int(options.get(address.datacenter, options.get("replication_factor", 0)))


def _make_tables(session: Session, keyspace: str) -> None:
    session.set_keyspace(keyspace.lower())
    text = resources.files(__package__).joinpath("schema.cql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("--")]
    for statement in "\n".join(lines).split(";"):
        if statement.strip():
            session.execute(statement, timeout=STATEMENT_SECONDS)


def _shown(address: CassandraAddress) -> str:
    return ", ".join(f"{host}:{port}" for host, port in address.contact_points)
