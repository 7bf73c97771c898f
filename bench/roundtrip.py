"""Sends at a pace, and reads again and again until what was sent is
there.
"""

import heapq
import re
import selectors
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Self

from bench.load import Address, Connection
from bench.population import Population

SENDERS = 32
READERS = 4
PAGE = 20
"""Messages of a page that is searched: more than come into one
conversation in 6 s at 500/s.
"""

PATIENCE_S = 60.0
"""For what is still not read when everything was to be sent."""

LOOK_AGAIN_S = 0.003
"""Whoever looks again at once keeps Cassandra from what is waited
for.
"""

_MESSAGE_ID = re.compile(rb'"message_id":"([0-9a-f-]{36})"')


@dataclass(slots=True)
class Trip:
    """A message, from when it was due until it was read."""

    talk: int
    due: float
    message_id: bytes = b""


@dataclass(frozen=True, slots=True)
class Trips:
    """Seconds since messages were due.

    Attributes:
        accepted: Until each was answered.
        read: Until every so-manieth was on a page.
    """

    accepted: list[float]
    read: list[float]


class RoundTrips:
    """One thread, one selector: senders that keep a pace, readers that
    look for samples of what was sent.
    """

    def __init__(self, address: Address, people: Population) -> None:
        host = f"{address[0]}:{address[1]}"
        self._sends = people.sends(host)
        self._pages = people.pages(host, PAGE)
        self._selector = selectors.SelectSelector()
        self._senders = deque(Connection(address) for _ in range(SENDERS))
        self._readers = deque(Connection(address) for _ in range(READERS))
        self._under_way: dict[Connection, Trip] = {}
        self._unread: deque[Trip] = deque()
        self._again: list[tuple[float, int, Trip]] = []
        self._reads = 0
        for connection in (*self._senders, *self._readers):
            self._selector.register(connection.socket, selectors.EVENT_READ, connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for connection in [key.data for key in self._selector.get_map().values()]:
            connection.socket.close()
        self._selector.close()

    def run(self, seconds: float, per_second: float, sampled: int) -> Trips:
        """Send for so long, and look for every so-manieth message."""
        total, sent = round(seconds * per_second), 0
        samples = -(-total // sampled)
        found = Trips([], [])
        talks = cycle(range(len(self._sends)))
        start = time.perf_counter()
        while len(found.accepted) < total or len(found.read) < samples:
            if time.perf_counter() > start + seconds + PATIENCE_S:
                raise RuntimeError(f"{len(found.read)} of {samples} samples were read")
            while (
                sent < total and self._senders and start + sent / per_second <= time.perf_counter()
            ):
                self._send(Trip(next(talks), start + sent / per_second))
                sent += 1
            self._look()
            can_send = sent < total and self._senders
            due = start + sent / per_second if can_send else time.perf_counter() + 0.05
            for trip, is_sender, answer in self._answers(self._patience(due)):
                if is_sender:
                    trip.message_id = _accepted(answer)
                    if len(found.accepted) % sampled == 0:
                        self._unread.append(trip)
                    found.accepted.append(time.perf_counter() - trip.due)
                elif trip.message_id in answer:
                    found.read.append(time.perf_counter() - trip.due)
                else:
                    self._reads += 1
                    heapq.heappush(
                        self._again, (time.perf_counter() + LOOK_AGAIN_S, self._reads, trip)
                    )
        return found

    def _send(self, trip: Trip) -> None:
        connection = self._senders.popleft()
        self._under_way[connection] = trip
        connection.send(self._sends[trip.talk], trip.due)

    def _look(self) -> None:
        now = time.perf_counter()
        while self._again and self._again[0][0] <= now:
            self._unread.append(heapq.heappop(self._again)[2])
        while self._unread and self._readers:
            connection, trip = self._readers.popleft(), self._unread.popleft()
            self._under_way[connection] = trip
            connection.send(self._pages[trip.talk], -1.0)

    def _patience(self, due: float) -> float:
        if self._again:
            due = min(due, self._again[0][0])
        return max(0.0, due - time.perf_counter())

    def _answers(self, timeout: float) -> Iterator[tuple[Trip, bool, bytes]]:
        for key, _ in self._selector.select(timeout):
            connection: Connection = key.data
            answer = connection.answer()
            if answer is None:
                continue
            is_sender = connection.due >= 0
            (self._senders if is_sender else self._readers).append(connection)
            yield self._under_way.pop(connection), is_sender, answer


def _accepted(answer: bytes) -> bytes:
    found = _MESSAGE_ID.search(answer)
    if not answer.startswith(b"HTTP/1.1 202") or found is None:
        raise RuntimeError(f"a message was not accepted: {answer[:200]!r}")
    return found[1]
