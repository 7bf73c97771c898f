"""`python -m bench.audit_million [MESSAGES]`: how long `angarium audit`
takes on the embedded engine, and how much memory, with a receipt for
every second message.
"""

import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4, uuid5

from angarium.domain.events import SCHEMA, MessagesDelivered, NewMessage, encode
from angarium.domain.identifiers import conversation_id_for, user_id_for
from angarium.domain.partitioning import partition_for
from angarium.engines.embedded.database import FILE_NAME, Database
from angarium.engines.embedded.log import write_headers

MESSAGES = 1_000_000
PARTITIONS = 12
MESSAGES_OF_ONE = 25
"""Messages of each conversation."""

START = 1_700_000_000_000
HEADERS = write_headers({"trace_id": b"ab" * 16, "schema": SCHEMA.encode(), "instance": b"api-1"})

Row = tuple[str, tuple[object, ...]]

_LOG = "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?)"
_MESSAGE = "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INDEX = "INSERT INTO message_index VALUES (?, ?, ?, ?, ?)"
_COMMIT = "INSERT INTO log_positions VALUES ('router', ?, ?, ?)"


def rows(messages: int) -> Iterator[Row]:
    """Make what a worker would have written: half of it confirmed."""
    ends: defaultdict[int, int] = defaultdict(int)
    at = START
    for number in range(0, messages, MESSAGES_OF_ONE):
        alice, bob = (user_id_for(f"{name}{number}") for name in ("alice", "bob"))
        conversation_id = conversation_id_for(alice, bob)
        key = str(conversation_id).encode()
        partition = partition_for(key, PARTITIONS)
        for index in range(MESSAGES_OF_ONE):
            message_id = uuid5(conversation_id, str(index))
            text = f"message {number + index}, of the usual length of a line in a chat"
            confirmed = index % 2
            place = (at + 1, ends[partition])
            for event in (
                NewMessage(uuid4(), conversation_id, at, message_id, alice, bob, text),
                MessagesDelivered(uuid4(), conversation_id, at, bob, (message_id,)),
            )[: 1 + confirmed]:
                offset = ends[partition]
                ends[partition] += 1
                at += 1
                yield _LOG, (partition, offset, at, key, encode(event), HEADERS)
            status, delivered_at = ("DELIVERED", at) if confirmed else ("SENT", None)
            who = (str(alice), str(bob))
            ids = (str(conversation_id), str(message_id))
            yield _MESSAGE, (ids[0], *place, ids[1], *who, text, status, delivered_at)
            yield _INDEX, (*ids, *place, who[0])
    for partition, end in ends.items():
        yield _COMMIT, (partition, end, at)


def fill(folder: Path, messages: int) -> None:
    """Write a database as `angarium serve` leaves it."""
    Database.open(folder, PARTITIONS).close()
    with closing(sqlite3.connect(folder / FILE_NAME, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for statement, values in rows(messages):
            connection.execute(statement, values)
        connection.execute("COMMIT")


def main() -> None:
    """Fill a folder, audit it, print time and memory."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else MESSAGES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        fill(folder, messages)
        size = (folder / FILE_NAME).stat().st_size / 1e6
        print(f"{messages:,} messages, a file of {size:,.0f} MB", flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", "angarium", "audit"]
        done = subprocess.run(
            command, env={**os.environ, "ANGARIUM_DATA": str(folder)}, check=False
        )
        seconds = time.monotonic() - began
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = used.ru_utime + used.ru_stime
        print(
            f"exit {done.returncode}, {seconds:.1f} s, {cpu:.1f} s of processor time, at most "
            f"{used.ru_maxrss / 1024:.0f} MiB"
        )


if __name__ == "__main__":
    main()
