"""A load source: keep-alive connections on one selector, closed loop or
paced.
"""

import re
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Self

from bench.table import CPU, P50, P95, P99, RATE, REFUSED, Figures

Address = tuple[str, int]

READ_BYTES = 65_536
FINE_TIMED = 128
"""So many connections are watched with select(): it counts microseconds
where epoll counts milliseconds.
"""

_SHARES = {P50: 0.50, P95: 0.95, P99: 0.99}
_SEPARATOR = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Outcome:
    """What a run measured.

    Attributes:
        seconds: From the first request to the last answer.
        latencies: Seconds of each request that was answered as hoped;
            of a paced run from when it was due, so that a server that
            falls behind is not flattered by requests that were never
            sent.
        refused: Other answers.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0

    def figures(self, cpu_seconds: float) -> Figures:
        """Sum up, with the CPU time that it took the server."""
        answered = len(self.latencies)
        return {
            RATE.name: answered / self.seconds if self.seconds else 0.0,
            **percentiles(self.latencies),
            CPU.name: cpu_seconds * 1000 / max(1, answered),
            REFUSED.name: self.refused,
        }


def percentiles(seconds: Sequence[float]) -> Figures:
    """Give the milliseconds below which half, 95 % and 99 % lie."""
    ordered = sorted(seconds)
    return {column.name: _below(ordered, share) * 1000 for column, share in _SHARES.items()}


def _below(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


class Connection:
    """One keep-alive connection, with at most one request under way."""

    __slots__ = ("buffer", "due", "socket")

    def __init__(self, address: Address) -> None:
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.buffer = b""
        self.due = 0.0

    def send(self, request: bytes, due: float) -> None:
        """Send a request that fits the socket's buffer."""
        self.due = due
        self.socket.send(request)

    def answer(self) -> bytes | None:
        """Read what came; None while the answer is not all there."""
        came = self.socket.recv(READ_BYTES)
        if not came:
            raise ConnectionError("the server closed a connection in the middle of a run")
        self.buffer = self.buffer + came if self.buffer else came
        end = self.buffer.find(_SEPARATOR)
        if end < 0:
            return None
        length = _LENGTH.search(self.buffer, 0, end)
        if length is None:
            raise ConnectionError("an answer without a length")
        if len(self.buffer) < end + 4 + int(length[1]):
            return None
        whole, self.buffer = self.buffer, b""
        return whole


class Load:
    """Sends prepared requests, one at a time on each of its
    connections.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        requests: Sequence[bytes],
        connections: int,
        hoped: str = "202",
    ) -> None:
        self._requests: Iterator[bytes] = cycle(requests)
        self._hoped = f"HTTP/1.1 {hoped}".encode()
        chosen = cycle(addresses)
        self._connections = [Connection(next(chosen)) for _ in range(connections)]
        fine = connections <= FINE_TIMED
        self._selector = selectors.SelectSelector() if fine else selectors.DefaultSelector()
        for connection in self._connections:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()
        for connection in self._connections:
            connection.socket.close()

    def flat_out(self, seconds: float) -> Outcome:
        """Send the next request of a connection as soon as its answer
        has come, for so long.
        """
        stop = time.perf_counter() + seconds
        return self._closed_loop(lambda now: now < stop)

    def exactly(self, count: int) -> Outcome:
        """Send the next request of a connection as soon as its answer
        has come, so many in all.
        """
        left = iter(range(count - len(self._connections)))
        return self._closed_loop(lambda _: next(left, None) is not None)

    def _closed_loop(self, goes_on: Callable[[float], bool]) -> Outcome:
        outcome = Outcome()
        requests = self._requests
        start = time.perf_counter()
        for connection in self._connections:
            connection.send(next(requests), time.perf_counter())
        waiting = len(self._connections)
        while waiting:
            for connection, now in self._answers(outcome):
                if goes_on(now):
                    connection.send(next(requests), now)
                else:
                    waiting -= 1
        outcome.seconds = time.perf_counter() - start
        return outcome

    def paced(self, seconds: float, per_second: float) -> Outcome:
        """Send at a fixed pace on whichever connection is free, and
        count from when each was due.
        """
        outcome = Outcome()
        free = deque(self._connections)
        total = int(seconds * per_second)
        start = time.perf_counter()
        sent = 0
        while sent < total or len(free) < len(self._connections):
            now = time.perf_counter()
            while sent < total and free and start + sent / per_second <= now:
                free.popleft().send(next(self._requests), start + sent / per_second)
                sent += 1
            due = start + sent / per_second if sent < total and free else now + 0.1
            for connection, _ in self._answers(outcome, max(0.0, due - time.perf_counter())):
                free.append(connection)
        outcome.seconds = time.perf_counter() - start
        return outcome

    def _answers(
        self, outcome: Outcome, timeout: float = 1.0
    ) -> Iterator[tuple[Connection, float]]:
        for key, _ in self._selector.select(timeout):
            connection: Connection = key.data
            answer = connection.answer()
            if answer is None:
                continue
            now = time.perf_counter()
            if answer.startswith(self._hoped):
                outcome.latencies.append(now - connection.due)
            else:
                outcome.refused += 1
            yield connection, now
