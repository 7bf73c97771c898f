"""The servers that are compared, each ready to be started."""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.load import Load
from bench.population import SECRET, Population
from bench.servers import Server, running

ANGARIUM = "angarium"
ANGARIUM_FAST = "angarium[fast]"
AIOKAFKA = "FastAPI + uvicorn + aiokafka"
CONFLUENT = "FastAPI + uvicorn + confluent-kafka"
WORKER_PEERS = {
    "bare_loop": "bare loop: poll and execute_async",
    "one_at_a_time": "plain pipeline: one message at a time",
}
WORKER_PARTS = ("marks", "presence", "lines", "second tries")
"""What is taken away from the worker, one after the other, to see what
each part costs.
"""

ACCEPT_PARTS = {
    "kafka": "stores",
    "handed": "stores, kafka-python",
    "instant": "stores, kafka-python, a second thread",
}
"""What is left out with each log that `bench.memory_api` may have."""

HISTORY_PEER = "FastAPI + uvicorn + cassandra-driver"
FLOOR_ASGI = "floor: raw ASGI on uvicorn, constant answer"
FLOOR_SELECTOR = "floor: Python selector loop, constant answer"

INTRODUCTIONS = 5
"""A server that has just started may take too long for some; asking
again is harmless.
"""

_WITHOUT_CRC32C = str(Path(__file__).parent / "shims" / "without_crc32c")

Settings = Mapping[str, str]
Running = AbstractContextManager[Server]


def api(folder: Path, settings: Settings, fast: bool = False, name: str | None = None) -> Running:
    """`angarium api` with nothing but its three dependencies, or with
    the extra `fast`.
    """
    extra = {} if fast else {"PYTHONPATH": _before_all(_WITHOUT_CRC32C)}
    default = ANGARIUM_FAST if fast else ANGARIUM
    return running(name or default, ["-m", "angarium", "api"], folder, {**settings, **extra})


def worker(folder: Path, settings: Settings, fast: bool = False) -> Running:
    """`angarium worker`, likewise."""
    extra = {} if fast else {"PYTHONPATH": _before_all(_WITHOUT_CRC32C)}
    name = ANGARIUM_FAST if fast else ANGARIUM
    return running(
        name, ["-m", "angarium", "worker"], folder, {**settings, **extra}, b"working in group"
    )


def stripped(part: str, folder: Path, settings: Settings) -> Running:
    """`angarium worker` with the extra `fast`, without a part and those
    before it.
    """
    taken = WORKER_PARTS[: WORKER_PARTS.index(part) + 1]
    name = f"without {', '.join(taken)}"
    return running(
        name,
        ["-m", "bench.stripped"],
        folder,
        {**settings, "BENCH_WITHOUT": ",".join(taken)},
        b"ready",
    )


def worker_peer(module: str, folder: Path, settings: Settings) -> Running:
    """Another way from the log to the store, with crc32c: the best that
    the libraries can do.
    """
    return running(
        WORKER_PEERS[module], ["-m", f"bench.peers.{module}"], folder, settings, b"ready"
    )


def kafka_peer(client: str, folder: Path, settings: Settings) -> Running:
    """The send call on FastAPI, with `aiokafka` or `confluent` for
    Kafka.
    """
    name = AIOKAFKA if client == "aiokafka" else CONFLUENT
    return running(name, ["-m", "bench.peers.serve", f"kafka_{client}"], folder, settings)


def read_peer(folder: Path, settings: Settings) -> Running:
    """The history call on FastAPI and Cassandra's driver."""
    return running(HISTORY_PEER, ["-m", "bench.peers.serve", "history"], folder, settings)


def floors(folder: Path) -> Mapping[str, Running]:
    """Servers that answer without doing anything."""
    return {
        FLOOR_ASGI: running(
            FLOOR_ASGI, ["-m", "bench.peers.serve", "constant"], folder / "asgi", {}
        ),
        FLOOR_SELECTOR: running(
            FLOOR_SELECTOR, ["-m", "bench.peers.selector_loop"], folder / "loop", {}
        ),
    }


@contextmanager
def embedded(folder: Path, people: Population) -> Iterator[Server]:
    """`angarium serve` on the embedded engine in a fresh folder."""
    users = people.users_file(folder / "users.json")
    settings = {"ANGARIUM_DATA": str(folder / "data"), "ANGARIUM_USERS": str(users)}
    with running("angarium serve", ["-m", "angarium", "serve"], folder, settings) as server:
        introduce(server, people)
        yield server


def instant(folder: Path, people: Population) -> Running:
    """The HTTP server, routes and services with a log that acknowledges
    at once.
    """
    settings = {"BENCH_CONVERSATIONS": str(people.members_file(folder / "members.json"))}
    return _memory_api("angarium, log that acknowledges at once", "instant", folder, settings)


def accept_part(log: str, folder: Path, settings: Settings) -> Running:
    """`angarium api` with the extra `fast`, with stores in memory and
    one of ACCEPT_PARTS for a log.
    """
    return _memory_api(f"without {ACCEPT_PARTS[log]}", log, folder, settings)


@contextmanager
def sqlite_peer(folder: Path, people: Population, durable: bool) -> Iterator[Server]:
    """The send call on FastAPI over SQLite, or with nothing
    behind it.
    """
    settings = {
        "ANGARIUM_JWT_SECRET": SECRET,
        "PEER_DATABASE": str(folder / "peer.db") if durable else "",
        "BENCH_CONVERSATIONS": str(people.members_file(folder / "members.json")),
    }
    name = "FastAPI + uvicorn + SQLite" if durable else "FastAPI + uvicorn, nothing behind"
    with running(name, ["-m", "bench.peers.serve", "sqlite"], folder, settings) as server:
        yield server


def introduce(server: Server, people: Population) -> None:
    """Create every conversation."""
    requests = people.opens(server.host)
    for _ in range(INTRODUCTIONS):
        with Load([server.address], requests, 8, hoped="2") as load:
            if not load.paced(len(requests) / 200, 200).refused:
                return
    raise RuntimeError("not all conversations could be created")


def _memory_api(name: str, log: str, folder: Path, settings: Settings) -> Running:
    return running(name, ["-m", "bench.memory_api"], folder, {**settings, "BENCH_LOG": log})


def _before_all(folder: str) -> str:
    return os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH", "")]))
