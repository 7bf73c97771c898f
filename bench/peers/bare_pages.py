"""Cassandra's driver and nothing else: as many pages on their way as there are readers."""

import os
import sys
import time
from threading import Semaphore
from uuid import UUID

from angarium.engines.cassandra.cluster import CassandraAddress, build
from angarium.engines.cassandra.statements import Statement
from bench.library import take_turns
from tests.engines.addresses import contact_points

ON_THEIR_WAY = 16
PAGE = 50
ANSWER_SECONDS = 10.0


class Reading:
    """Keeps a number of pages of one conversation on their way."""

    def __init__(self) -> None:
        points = contact_points(os.environ["ANGARIUM_CASSANDRA"])
        address = CassandraAddress(points, os.environ["ANGARIUM_KEYSPACE"])
        self._session = build(address).connect()
        newest = self._session.prepare(Statement.NEWEST.cql(address.quoted_keyspace))
        self._question = newest.bind((UUID(os.environ["BENCH_CONVERSATION"]), PAGE))
        self._room = Semaphore(ON_THEIR_WAY)
        self._errors: list[BaseException] = []

    def run(self, seconds: float) -> int:
        """Read for so long, and tell how many pages came."""
        end, count = time.perf_counter() + seconds, 0
        while time.perf_counter() < end:
            self._wait()
            self._session.execute_async(self._question).add_callbacks(self._came, self._failed)
            count += 1
        for _ in range(ON_THEIR_WAY):
            self._wait()
        self._room.release(ON_THEIR_WAY)
        return count

    def _came(self, rows: list[object]) -> None:
        if len(rows) != PAGE:
            self._errors.append(ValueError(f"a page has {len(rows)} rows"))
        self._room.release()

    def _failed(self, error: BaseException) -> None:
        self._errors.append(error)
        self._room.release()

    def _wait(self) -> None:
        if not self._room.acquire(timeout=ANSWER_SECONDS):
            raise TimeoutError(f"a page did not come within {ANSWER_SECONDS:g} s")
        if self._errors:
            raise self._errors[0]


def main() -> int:
    """Read in the turns that are asked for."""
    take_turns(Reading().run)
    return 0


if __name__ == "__main__":
    sys.exit(main())
