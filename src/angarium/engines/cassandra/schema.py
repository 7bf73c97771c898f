"""Creating the keyspace and its tables.

It is safe to repeat and to run concurrently.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import resources
from typing import cast

from cassandra import DriverException
from cassandra.cluster import Session

from angarium import backoff, logs
from angarium.domain.errors import SetupError
from angarium.engines.cassandra import cluster as clusters
from angarium.engines.cassandra.cluster import CassandraAddress
from angarium.engines.cassandra.errors import DRIVER_ERRORS

STATEMENT_S = 30.0
"""A schema change returns when all nodes agree, which takes seconds on
nodes that have just started.
"""

MAX_DETAIL = 300
"""Characters of an error: the driver's may list every node's."""

_log = logs.get("angarium.engines.cassandra")
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)")
_COLUMN = re.compile(r"^    ([a-z_]+) (.+),$", re.MULTILINE)
_KEYSPACE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")
_DATACENTER = re.compile(r"[A-Za-z0-9._-]{1,200}")


@dataclass(frozen=True, slots=True)
class KeyspaceReport:
    """What `init` found.

    Attributes:
        replication: Copies of each row, as the keyspace says.
        nodes: Live nodes of the datacenter.
    """

    replication: int
    nodes: int


def prepare(
    address: CassandraAddress,
    replication: int,
    timeout_s: float,
    attempt: "Callable[[CassandraAddress, int], KeyspaceReport] | None" = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    show: Callable[[str], None] = lambda _: None,
) -> KeyspaceReport:
    """Create what is missing of the keyspace, tables and columns.

    It waits for servers that are starting: such a node refuses logins
    and schema changes until it has heard of the others.

    Args:
        address: Where the cluster is.
        replication: Copies of each row in the datacenter, for a
            keyspace that is created now.
        timeout_s: Seconds to retry for, whatever the driver's error is.
        attempt: Instead of one attempt on a real cluster.
        clock: Monotonic seconds.
        sleep: Waits between attempts, in seconds.
        show: Called at each step, with what is done or waited for.

    Returns:
        What was found.

    Raises:
        SetupError: The servers did not answer in time, or the keyspace
            has another replication.
    """
    give_up = clock() + timeout_s
    make = attempt or partial(_prepare, show=show)

    def remaining() -> float:
        """Return the seconds that are left for attempts."""
        return give_up - clock()

    def failed(error: Exception, wait_s: float) -> None:
        """Say why the cluster is waited for."""
        detail = str(error)[:MAX_DETAIL]
        show(f"waiting for Cassandra at {_contact_points(address)}: {detail}")
        _log.debug(
            "retry",
            f"Cassandra cannot be prepared yet, next attempt in {wait_s:.1f} s",
            detail=detail,
        )

    try:
        return backoff.retry(
            lambda: make(address, replication),
            DRIVER_ERRORS,
            remaining=remaining,
            failed=failed,
            sleep=sleep,
            waits=backoff.delays_until(remaining, 0.2, 2.0),
        )
    except DRIVER_ERRORS as error:
        raise SetupError(
            f"Cassandra at {_contact_points(address)} could not be prepared within "
            f"{timeout_s:.0f} s ({type(error).__name__}: {str(error)[:MAX_DETAIL]}); check "
            "ANGARIUM_CASSANDRA, ANGARIUM_DATACENTER, ANGARIUM_CASSANDRA_USERNAME with its "
            "password, and the nodes"
        ) from error


def _prepare(
    address: CassandraAddress, replication: int, show: Callable[[str], None]
) -> KeyspaceReport:
    """Make one attempt, with a cluster object of its own."""
    if _KEYSPACE.fullmatch(address.keyspace) is None:
        raise SetupError(
            f"{address.keyspace!r} is not a valid keyspace name: use a letter, then up to 47 "
            "letters, digits or _; change ANGARIUM_KEYSPACE"
        )
    if _DATACENTER.fullmatch(address.datacenter) is None:
        raise SetupError(
            f"{address.datacenter!r} is not a valid datacenter name: use 1 to 200 letters, digits "
            "or . _ -; change ANGARIUM_DATACENTER"
        )
    show(f"connecting to Cassandra at {_contact_points(address)}")
    cluster = clusters.build(address)
    try:
        session = cluster.connect(wait_for_all_pools=True)
        schema = _Schema(session, address, show)
        schema.make_keyspace(replication)
        schema.make_tables()
        return KeyspaceReport(replication, len(session.get_pool_state()))
    finally:
        cluster.shutdown()


class _Schema:
    """Changes the schema through one node.

    All processes that see the same nodes take the same one. A node
    makes changes one after the other; two nodes that create one table
    at once give it two identities.
    """

    def __init__(
        self,
        session: Session,
        address: CassandraAddress,
        show: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Choose the node: the least of the connected ones."""
        self._show = show
        self._session = session
        self._address = address
        hosts = list(session.get_pool_state())
        if not hosts:
            raise DriverException("no node is connected yet")
        self._node = min(hosts, key=lambda host: str(host.endpoint))

    def make_keyspace(self, replication: int) -> None:
        """Create the keyspace, or check its replication."""
        datacenter = self._address.datacenter
        self._show(f"making keyspace {self._address.keyspace}")
        if self._replication() is None:
            self._change(
                f"CREATE KEYSPACE IF NOT EXISTS {self._address.quoted_keyspace} "
                "WITH replication = "
                f"{{'class': 'NetworkTopologyStrategy', '{datacenter}': {replication}}}"
            )
        found = self._replication()
        if found is None:
            raise DriverException("the keyspace is not visible yet")
        if found != replication:
            raise SetupError(
                f"keyspace {self._address.keyspace} keeps {found} copies in {datacenter}, but "
                f"ANGARIUM_REPLICATION is {replication}; set it to {found}, or alter the keyspace "
                "and repair"
            )

    def make_tables(self) -> None:
        """Create tables, and add columns of newer versions."""
        query = (
            "SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = %s"
        )
        found = self._ask(query, self._address.keyspace)
        tables = {table for table, _ in found}
        columns = set(found)
        wanted = list(_tables(self._address.quoted_keyspace))
        for number, (table, statement) in enumerate(wanted, 1):
            if table not in tables:
                self._show(f"making table {number} of {len(wanted)} in Cassandra, {table}")
                self._change(statement)
                continue
            for column, kind in _COLUMN.findall(statement):
                if (table, column) not in columns:
                    # When another process was faster, this one fails,
                    # and looks again.
                    self._change(
                        f"ALTER TABLE {self._address.quoted_keyspace}.{table} ADD {column} {kind}"
                    )

    def _replication(self) -> int | None:
        """Return the keyspace's copies, None without one."""
        query = "SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = %s"
        found = self._ask(query, self._address.keyspace)
        if not found:
            return None
        ((options,),) = cast("list[tuple[Mapping[str, str]]]", found)
        return int(options.get(self._address.datacenter, options.get("replication_factor", 0)))

    def _ask(self, query: str, value: str) -> list[tuple[object, ...]]:
        """Read from the node's own tables."""
        return list(self._session.execute(query, (value,), timeout=STATEMENT_S, host=self._node))

    def _change(self, statement: str) -> None:
        """Change the schema, and wait until all nodes agree."""
        done = self._session.execute(statement, timeout=STATEMENT_S, host=self._node)
        if not done.response_future.is_schema_agreed:
            raise DriverException("the nodes do not agree on the schema yet")


def _tables(keyspace: str) -> Iterator[tuple[str, str]]:
    """Yield each table of schema.cql with its statement."""
    text = resources.files(__package__).joinpath("schema.cql").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    for statement in "\n".join(lines).split(";"):
        named = _TABLE.search(statement)
        if named is not None:
            yield named[1], _TABLE.sub(rf"CREATE TABLE IF NOT EXISTS {keyspace}.\1", statement)


def _contact_points(address: CassandraAddress) -> str:
    """Return the contact points as `host:port`, for an error."""
    return ", ".join(f"{host}:{port}" for host, port in address.contact_points)
