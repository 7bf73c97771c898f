"""A load source: keep-alive connections on one selector, closed loop or paced."""

import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

SEPARATOR = b"\r\n\r\n"
READ_BYTES = 65_536


@dataclass
class Outcome:
    """What a run measured.

    Attributes:
        seconds: From the first request to the last answer.
        latencies: Seconds of each accepted request; of a paced run from when it was due, so that a server
            that falls behind is not flattered by requests that were never sent.
        refused: Answers other than 202.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def per_second(self) -> float:
        """Accepted requests a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Latency in milliseconds below which the share of accepted requests lies."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else float("nan")


class _Connection:
    __slots__ = ("buffer", "due", "socket")

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.buffer = b""
        self.due = 0.0

    def answer(self) -> bytes | None:
        """Take one whole answer's head off the buffer; None while it is not all there."""
        self.buffer += self.socket.recv(READ_BYTES)
        end = self.buffer.find(SEPARATOR)
        if end < 0:
            if not self.buffer:
                raise ConnectionError("the server closed a connection in the middle of a run")
            return None
        head = self.buffer[:end]
        start = head.lower().index(b"content-length:") + 15
        length = int(head[start:].split(b"\r\n", 1)[0])
        whole = end + 4 + length
        if len(self.buffer) < whole:
            return None
        self.buffer = self.buffer[whole:]
        return head


class Load:
    """Sends prepared requests, one at a time on each of its connections."""

    def __init__(self, address: tuple[str, int], requests: Sequence[bytes], connections: int) -> None:
        self._requests: Iterator[bytes] = cycle(requests)
        self._connections = [_Connection(address) for _ in range(connections)]
        self._selector = selectors.DefaultSelector()
        for connection in self._connections:
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def close(self) -> None:
        """Close every connection."""
        self._selector.close()
        for connection in self._connections:
            connection.socket.close()

    def flat_out(self, seconds: float) -> Outcome:
        """Send the next request of a connection as soon as its answer has come."""
        outcome = Outcome()
        start = time.perf_counter()
        stop = start + seconds
        for connection in self._connections:
            self._send(connection, time.perf_counter())
        waiting = len(self._connections)
        while waiting:
            for connection, now in self._answers(outcome):
                if now < stop:
                    self._send(connection, now)
                else:
                    waiting -= 1
        outcome.seconds = time.perf_counter() - start
        return outcome

    def paced(self, seconds: float, per_second: float) -> Outcome:
        """Send at a fixed pace on whichever connection is free, and count from when each was due."""
        outcome = Outcome()
        free = deque(self._connections)
        total = int(seconds * per_second)
        start = time.perf_counter()
        sent = 0
        while sent < total or len(free) < len(self._connections):
            now = time.perf_counter()
            while sent < total and free and start + sent / per_second <= now:
                self._send(free.popleft(), start + sent / per_second)
                sent += 1
            due = start + sent / per_second if sent < total and free else now + 0.1
            for connection, _ in self._answers(outcome, max(0.0, due - time.perf_counter())):
                free.append(connection)
        outcome.seconds = time.perf_counter() - start
        return outcome

    def _send(self, connection: _Connection, due: float) -> None:
        connection.due = due
        connection.socket.send(next(self._requests))

    def _answers(self, outcome: Outcome, timeout: float = 1.0) -> Iterator[tuple[_Connection, float]]:
        for key, _ in self._selector.select(timeout):
            connection: _Connection = key.data
            head = connection.answer()
            if head is None:
                continue
            now = time.perf_counter()
            if head.startswith(b"HTTP/1.1 202"):
                outcome.latencies.append(now - connection.due)
            else:
                outcome.refused += 1
            yield connection, now
