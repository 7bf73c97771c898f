"""The send call over SQLite with group commit, durable before the
answer; or over nothing at all.
"""

import asyncio
import os
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.peers.sending import Append, Headers, Position, application

DATABASE = os.environ.get("PEER_DATABASE", "")
MAX_AT_ONCE = 512


class GroupCommitLog:
    """One thread writes everything that queued up while the last commit
    ran.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[tuple[bytes, bytes, asyncio.Future[int]]] = (
            queue.SimpleQueue()
        )
        threading.Thread(target=self._run, daemon=True).start()

    async def append(self, key: bytes, value: bytes, headers: Headers) -> Position:
        """Wait until it is on the disk."""
        del headers
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._jobs.put((key, value, future))
        return Position(0, 0, await future)

    def _run(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS log (offset INTEGER PRIMARY KEY, at INTEGER, key BLOB, "
            "value BLOB)"
        )
        while True:
            jobs = [self._jobs.get()]
            while len(jobs) < MAX_AT_ONCE and not self._jobs.empty():
                jobs.append(self._jobs.get())
            connection.execute("BEGIN")
            now = time.time_ns() // 1_000_000
            connection.executemany(
                "INSERT INTO log (at, key, value) VALUES (?, ?, ?)",
                [(now, key, value) for key, value, _ in jobs],
            )
            connection.execute("COMMIT")
            futures = [future for _, _, future in jobs]
            futures[0].get_loop().call_soon_threadsafe(_done, futures, now)


def _done(futures: "list[asyncio.Future[int]]", now: int) -> None:
    for future in futures:
        if not future.done():
            future.set_result(now)


async def _at_once(key: bytes, value: bytes, headers: Headers) -> Position:
    del key, value, headers
    return Position(0, 0, time.time_ns() // 1_000_000)


@asynccontextmanager
async def opened() -> AsyncIterator[Append]:
    """Open the file, if there is one."""
    yield GroupCommitLog(DATABASE).append if DATABASE else _at_once


app = application(opened)
