"""Connections that threads share, one request at a time."""

import threading
from collections.abc import Mapping

import pytest

from angarium.client import connection_pool
from angarium.client.connection_pool import ConnectionPool
from angarium.client.errors import ServerUnreachable
from angarium.client.transport import Response

URL = "http://x"
OK = Response(200, "OK", None, "{}")


class Connection:
    """Notes what is made of it; never used by two threads at once."""

    url = URL

    def __init__(self, together: threading.Barrier | None = None) -> None:
        self.requests = 0
        self.closed = 0
        self.fails = False
        self._together = together
        self._busy = threading.Lock()

    def exchange(
        self, method: str, path: str, body: Mapping[str, object] | None, headers: Mapping[str, str]
    ) -> Response:
        assert self._busy.acquire(blocking=False), "two requests at once"
        try:
            self.requests += 1
            if self._together is not None:
                self._together.wait(60)
            if self.fails:
                raise ServerUnreachable(URL, "connection refused")
            return OK
        finally:
            self._busy.release()

    def close(self) -> None:
        self.closed += 1


def get(pool: ConnectionPool) -> Response:
    return pool.exchange("GET", "/", None, {})


def test_a_connection_is_used_again_also_after_a_failure() -> None:
    made: list[Connection] = []

    def connect() -> Connection:
        made.append(Connection())
        return made[-1]

    pool = ConnectionPool(URL, connect)
    assert get(pool) is OK
    made[0].fails = True
    with pytest.raises(ServerUnreachable):
        get(pool)
    made[0].fails = False
    assert get(pool) is OK
    assert [each.requests for each in made] == [3]
    pool.close()
    assert made[0].closed == 1
    assert get(pool) is OK
    assert len(made) == 2, "a closed pool opens a new connection"


def test_no_more_are_kept_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_pool, "MAX_IDLE", 2)
    together = threading.Barrier(5)
    made: list[Connection] = []

    def connect() -> Connection:
        made.append(Connection(together))
        return made[-1]

    pool = ConnectionPool(URL, connect)
    threads = [threading.Thread(target=get, args=(pool,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 5
    assert sum(each.closed for each in made) == 3
