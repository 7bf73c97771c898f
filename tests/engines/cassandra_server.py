"""Real Cassandra nodes, each with a folder and an address of its
own.
"""

import os
import re
import string
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.engines.jars import jars
from tests.engines.java import QUICK_START, Jvm
from tests.engines.missing import Missing
from tests.engines.ports import free_port
from tests.engines.processes import NotReady, ServerProcess

if TYPE_CHECKING:
    # Making them needs a package of the tests, and `make engines` has
    # none.
    from tests.engines.certificates import Certificates

_HERE = Path(__file__).parent
_QUICK = (
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.ring_delay_ms=4000",
    "-Dcassandra.superuser_setup_delay_ms=0",
    "-Dcassandra-foreground=yes",
    "-Dcom.sun.management.jmxremote=false",
    "-Djdk.attach.allowAttachSelf=true",
    "-Dio.netty.tryReflectionSetAccessible=true",
)
# What Cassandra 5.0 needs from Java 17 (its own
# conf/jvm17-server.options).
_EXPORTS = (
    "java.base/java.lang.ref",
    "java.base/jdk.internal.misc",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.rmi/sun.rmi.transport.tcp",
    "java.sql/java.sql",
    "jdk.attach/sun.tools.attach",
    "jdk.unsupported/sun.misc",
)
_OPENS = (
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "java.rmi/sun.rmi.transport.tcp",
    "jdk.management/com.sun.management.internal",
)
_OPEN_TO_ALL = """
authenticator: AllowAllAuthenticator
"""
_GUARDED = """
authenticator: PasswordAuthenticator
client_encryption_options:
  enabled: true
  optional: false
  keystore: ${server}
  ssl_context_factory: {class_name: org.apache.cassandra.security.PEMBasedSslContextFactory}
"""
START_S = 120.0

USERNAME = PASSWORD = "cassandra"
"""Of the user that a new cluster has."""


class CassandraNode:
    """A node that stays at its address and keeps its data through
    stops, kills and restarts.
    """

    def __init__(
        self,
        folder: Path,
        address: str,
        token: int,
        seeds: str,
        ports: tuple[int, int],
        certificates: "Certificates | None" = None,
        jvm: Jvm = QUICK_START,
    ) -> None:
        """Choose its place; `start` starts it.

        Args:
            folder: For its data, settings and logs.
            address: A loopback address, one a node.
            token: Where its part of the ring begins.
            seeds: The addresses of all nodes.
            ports: For clients, and for the nodes among themselves; the
                same on all nodes.
            certificates: For encrypted connections alone, and
                passwords; None takes everybody.
            jvm: How Java is run.
        """
        self.folder = folder
        self._jvm = jvm
        self.address = address
        self._token = token
        self._seeds = seeds
        self._native_port, self._storage_port = ports
        self._certificates = certificates
        self._jmx_port = free_port()
        self._runs = 0
        self._process: ServerProcess | None = None

    @property
    def process(self) -> ServerProcess:
        if self._process is None:
            raise NotReady(f"Cassandra in {self.folder} was never started")
        return self._process

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    def launch(self) -> None:
        """Start it without waiting; does nothing when it runs."""
        if self.alive:
            self.process.resume()
            return
        classes = jars(_HERE / "cassandra-pom.xml")
        conf = self._configure()
        self._runs += 1
        log = self.folder / f"cassandra-{self._runs}.log"
        command = self._command(classes, conf)
        self._process = ServerProcess(f"Cassandra {self.address}", command, log, os.environ)

    def wait_until_up(self) -> None:
        """Wait until it takes requests.

        Raises:
            NotReady: It does not come up.
        """
        self.process.wait_until(
            lambda: "Starting listening for CQL clients" in self.said(), START_S
        )

    def wait_until_sees(self, others: Sequence["CassandraNode"]) -> None:
        """Wait until it knows that other nodes are up.

        Args:
            others: Which.

        Raises:
            NotReady: It does not find them.
        """
        self.process.wait_until(lambda: all(map(self._sees, others)), START_S)

    def start(self) -> None:
        """Start it and wait until it takes requests; does nothing when
        it runs.

        Raises:
            NotReady: It does not come up.
        """
        self.launch()
        self.wait_until_up()

    def stop(self) -> None:
        """Shut it down in order; safe to repeat."""
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()

    def freeze(self) -> None:
        """Let it accept connections and answer nothing."""
        self.process.freeze()

    def resume(self) -> None:
        """Let a frozen node go on."""
        self.process.resume()

    def said(self) -> str:
        """Give what this run wrote.

        Returns:
            Its log.
        """
        return self.process.log.read_text(errors="replace")

    def _sees(self, other: "CassandraNode") -> bool:
        return re.search(rf"/{re.escape(other.address)}:\d+ is now UP", self.said()) is not None

    def _configure(self) -> Path:
        conf = self.folder / "conf"
        conf.mkdir(parents=True, exist_ok=True)
        template = string.Template((_HERE / "cassandra.yaml").read_text())
        (conf / "cassandra.yaml").write_text(
            template.substitute(
                folder=self.folder,
                address=self.address,
                token=self._token,
                seeds=self._seeds,
                native_port=self._native_port,
                storage_port=self._storage_port,
            )
            + self._security()
        )
        (conf / "logback.xml").write_text((_HERE / "logback.xml").read_text())
        return conf

    def _security(self) -> str:
        if self._certificates is None:
            return _OPEN_TO_ALL
        return string.Template(_GUARDED).substitute(server=self._certificates.server)

    def _command(self, classes: Path, conf: Path) -> list[str]:
        agent = next(classes.glob("jamm-*.jar"))
        return [
            *(*self._jvm.command(), *_QUICK, f"-javaagent:{agent}"),
            f"-Dcassandra.config=file://{conf}/cassandra.yaml",
            f"-Dcassandra.storagedir={self.folder}",
            f"-Dlogback.configurationFile={conf}/logback.xml",
            f"-Dcassandra.jmx.local.port={self._jmx_port}",
            *(part for name in _EXPORTS for part in ("--add-exports", f"{name}=ALL-UNNAMED")),
            *(part for name in _OPENS for part in ("--add-opens", f"{name}=ALL-UNNAMED")),
            *("-cp", f"{conf}:{classes}/*", "org.apache.cassandra.service.CassandraDaemon"),
        ]


class CassandraCluster:
    """Some nodes that share a ring evenly, on 127.0.0.1,
    127.0.0.2, …
    """

    def __init__(
        self,
        folder: Path,
        nodes: int,
        ports: tuple[int, int] | None = None,
        certificates: "Certificates | None" = None,
        jvm: Jvm = QUICK_START,
    ) -> None:
        """Choose the nodes' places; `start` starts them.

        Args:
            folder: Holds a folder a node.
            nodes: How many.
            ports: For clients, and for the nodes among themselves; free
                ones when None.
            certificates: For encrypted connections alone, and
                passwords; None takes everybody.
            jvm: How Java is run.
        """
        addresses = [f"127.0.0.{number + 1}" for number in range(nodes)]
        self.ports = ports or (free_port(*_usable(addresses)), free_port(*addresses))
        step = 2**64 // nodes
        # A node that is no seed gives up at once when it finds none, as
        # on a busy machine or alone.
        seeds = ",".join(addresses)
        self.nodes = [
            CassandraNode(
                folder / address,
                address,
                -(2**63) + number * step,
                seeds,
                self.ports,
                certificates,
                jvm,
            )
            for number, address in enumerate(addresses)
        ]

    @property
    def address(self) -> str:
        return ",".join(f"{node.address}:{self.ports[0]}" for node in self.nodes)

    def start(self, tell: Callable[[str], None] = lambda _: None) -> None:
        """Start what does not run, and wait until all nodes take
        requests and know of each other.

        Args:
            tell: Called with a line for a person as each node is up.

        Raises:
            NotReady: A node does not come up.
        """
        starting = [node for node in self.nodes if not node.alive]
        for node in self.nodes:
            node.launch()
        for number, node in enumerate(starting, 1):
            node.wait_until_up()
            tell(f"Cassandra node {number} of {len(starting)} is up at {node.address}")
        for node in starting:
            node.wait_until_sees([other for other in self.nodes if other is not node])

    def stop(self) -> None:
        """Shut all nodes down, all at once; safe to repeat."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(CassandraNode.stop, self.nodes))

    def kill(self) -> None:
        """End all nodes as a crash does."""
        for node in self.nodes:
            if node.alive:
                node.kill()


def _usable(addresses: Sequence[str]) -> Sequence[str]:
    try:
        free_port(*addresses)
    except OSError as error:
        aliases = "; ".join(f"sudo ifconfig lo0 alias {address}" for address in addresses[1:])
        raise Missing(
            f"the loopback addresses {addresses} cannot be used; on macOS: {aliases}"
        ) from error
    return addresses
