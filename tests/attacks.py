"""Floods against loopback, bounded in connections: what hostile clients
can do without a break-in.
"""

import contextlib
import heapq
import json
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Self
from urllib.parse import urlsplit

FIRST_ADDRESS = 2
"""127.0.0.1 is everybody else's."""


def login(username: str, password: str) -> bytes:
    """Write a login."""
    body = json.dumps({"username": username, "password": password}).encode()
    head = f"POST /auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def page(conversation_id: str, token: str) -> bytes:
    """Write a request for a page of history."""
    path = f"/v1/conversations/{conversation_id}/messages?limit=100"
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )


class Flood:
    """Connections that each keep one request outstanding, for the
    length of a block.

    Attributes:
        statuses: How many answers came with each status.
    """

    def __init__(
        self,
        url: str,
        connections: int,
        request: Callable[[int], bytes],
        addresses: int = 1,
        pause_s: float = 0.0,
    ) -> None:
        """Describe the flood.

        Args:
            url: Of the service.
            connections: How many.
            request: Gives the bytes of each next request, by its
                number.
            addresses: How many the connections come from.
            pause_s: From an answer to the next request on its
                connection.
        """
        self.statuses: Counter[int] = Counter()
        self._url = url
        self._connections = connections
        self._request = request
        self._addresses = addresses
        self._pause_s = pause_s
        self._sent = 0
        self._selector = selectors.DefaultSelector()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flood")

    def __enter__(self) -> Self:
        for number in range(self._connections):
            client = connected(self._url, number % self._addresses)
            client.setblocking(False)
            self._selector.register(client, selectors.EVENT_READ, bytearray())
            self._send(client)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        for key in tuple(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _run(self) -> None:
        due: list[tuple[float, int, socket.socket]] = []
        while not self._stopping.is_set():
            for key, _ in self._selector.select(0.02):
                client, buffer = key.fileobj, key.data
                assert isinstance(client, socket.socket)
                if self._received(client, buffer):
                    heapq.heappush(
                        due, (time.monotonic() + self._pause_s, client.fileno(), client)
                    )
            while due and due[0][0] <= time.monotonic():
                self._send(heapq.heappop(due)[2])

    def _received(self, client: socket.socket, buffer: bytearray) -> bool:
        """Take what came: whether the answer is there, whole."""
        try:
            data = client.recv(1 << 20)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(client)
            client.close()
            return False
        buffer += data
        head, found, rest = buffer.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if not found or len(rest) < length:
            return False
        self.statuses[int(head.split()[1])] += 1
        buffer.clear()
        return True

    def _send(self, client: socket.socket) -> None:
        self._sent += 1
        with contextlib.suppress(OSError):
            client.sendall(self._request(self._sent))


@contextlib.contextmanager
def half_requests(url: str, connections: int) -> Iterator[list[socket.socket]]:
    """Hold connections from one address, each with half a request's
    head, for the length of a block.
    """
    held: list[socket.socket] = []
    with contextlib.ExitStack() as closing:
        for _ in range(connections):
            client = closing.enter_context(connected(url, 0))
            client.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: ")
            held.append(client)
        yield held


def connected(url: str, address: int) -> socket.socket:
    """Connect from one of the hostile addresses."""
    parts = urlsplit(url)
    client = socket.socket()
    try:
        client.bind((f"127.0.0.{FIRST_ADDRESS + address}", 0))
        client.settimeout(30)
        client.connect((str(parts.hostname), int(parts.port or 0)))
    except OSError:
        client.close()
        raise
    return client
