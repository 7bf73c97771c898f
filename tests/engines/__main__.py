"""`python -m tests.engines [NODES]`: Kafka and Cassandra in the
foreground, until Ctrl-C.
"""

import secrets
import signal
import sys
import tempfile
import threading
from pathlib import Path

from tests.engines.cassandra_server import CassandraCluster
from tests.engines.kafka_server import KafkaServer
from tests.engines.missing import Missing
from tests.engines.processes import NotReady

NODES = 2
"""Of Cassandra, unless another number is given."""


def main() -> int:
    """Start both, print what to export, and stop both at the first
    signal.

    Returns:
        0 after a signal, 1 when a server cannot run.
    """
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    with tempfile.TemporaryDirectory(prefix="angarium-engines-") as folder:
        try:
            return _serve(Path(folder), int(sys.argv[1]) if sys.argv[1:] else NODES, stopping)
        except (Missing, NotReady) as error:
            print(f"engines: {error}", file=sys.stderr)
            return 1


def _serve(folder: Path, nodes: int, stopping: threading.Event) -> int:
    kafka = KafkaServer(folder / "kafka")
    cassandra = CassandraCluster(folder / "cassandra", nodes)
    try:
        print(f"Starting Kafka and {nodes} Cassandra nodes …", file=sys.stderr, flush=True)
        kafka.start()
        cassandra.start()
        print(_settings(kafka, cassandra), flush=True)
        print(
            "They run, data in a temporary folder. Ctrl-C stops them.", file=sys.stderr, flush=True
        )
        stopping.wait()
    finally:
        kafka.stop()
        cassandra.stop()
    return 0


def _settings(kafka: KafkaServer, cassandra: CassandraCluster) -> str:
    """Give what to export: addresses, a secret, and the process ids by
    which a server can be frozen (docs/lab.md).
    """
    pids = {f"CASSANDRA_{n}": node.process.pid for n, node in enumerate(cassandra.nodes, 1)}
    return "\n".join(
        [
            f"export ANGARIUM_KAFKA={kafka.address}",
            f"export ANGARIUM_CASSANDRA={cassandra.address}",
            f"export ANGARIUM_JWT_SECRET={secrets.token_hex(32)}",
            f"export KAFKA={kafka.process.pid}",
            *(f"export {name}={pid}" for name, pid in pids.items()),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
