"""`python -m tests.engines [NODES]`: Kafka and Cassandra in the
foreground, until Ctrl-C.
"""

import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engines.cassandra_server import CassandraCluster
from tests.engines.kafka_server import KafkaServer
from tests.engines.missing import Missing
from tests.engines.processes import NotReady

NODES = 2
"""Of Cassandra, unless another number is given."""

SIGN_EVERY_S = 10.0
"""Seconds between two lines while the servers start."""


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
        _tell(f"Starting Kafka and {nodes} Cassandra nodes …")
        with _signs_of_life():
            kafka.start()
            _tell(f"Kafka answers at {kafka.address}")
            cassandra.start(_tell)
        print(_settings(kafka, cassandra), flush=True)
        _tell("They run, data in a temporary folder. Ctrl-C stops them.")
        stopping.wait()
        _tell("Stopping, which takes some seconds …")
    finally:
        kafka.stop()
        cassandra.stop()
    return 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@contextmanager
def _signs_of_life(every_s: float = SIGN_EVERY_S) -> Iterator[None]:
    """Say now and then that the servers are still awaited."""
    ended = threading.Event()
    began = time.monotonic()

    def run() -> None:
        while not ended.wait(every_s):
            _tell(f"still starting, {time.monotonic() - began:.0f} s …")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _settings(kafka: KafkaServer, cassandra: CassandraCluster) -> str:
    """Give what to export: addresses, a secret, and the process ids by
    which a server can be frozen (docs/lab.md).
    """
    pids = {f"CASSANDRA_{n}_PID": node.process.pid for n, node in enumerate(cassandra.nodes, 1)}
    return "\n".join(
        [
            f"export ANGARIUM_KAFKA={kafka.address}",
            f"export ANGARIUM_CASSANDRA={cassandra.address}",
            f"export ANGARIUM_JWT_SECRET={secrets.token_hex(32)}",
            f"export KAFKA_PID={kafka.process.pid}",
            *(f"export {name}={pid}" for name, pid in pids.items()),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
