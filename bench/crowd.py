"""Many connections at once."""

import resource
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.load import Address

SPARE_DESCRIPTORS = 100
PATIENCE_S = 60.0
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
"""With demo users no other host is served."""


def most_connections() -> int:
    """Ask for as many open files as are allowed, and tell how many
    connections they make.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - SPARE_DESCRIPTORS


@contextmanager
def crowd(address: Address, count: int) -> Iterator[list[float]]:
    """Open connections all at once, ask once on each, and keep them
    open for the length of a block.

    Yields:
        For each the seconds from the beginning to its answer.
    """
    selector = selectors.DefaultSelector()
    sockets = [_connecting(address, selector) for _ in range(count)]
    try:
        yield _first_answers(selector, count)
    finally:
        selector.close()
        for each in sockets:
            each.close()


def _connecting(address: Address, selector: selectors.BaseSelector) -> socket.socket:
    connecting = socket.socket()
    connecting.setblocking(False)
    connecting.connect_ex(address)
    selector.register(connecting, selectors.EVENT_WRITE)
    return connecting


def _first_answers(selector: selectors.BaseSelector, count: int) -> list[float]:
    found: list[float] = []
    start = time.perf_counter()
    while len(found) < count:
        if time.perf_counter() - start > PATIENCE_S:
            raise RuntimeError(f"{count - len(found)} of {count} connections got no answer")
        for key, events in selector.select(1.0):
            connection = key.fileobj
            if not isinstance(connection, socket.socket):
                continue
            if events & selectors.EVENT_WRITE:
                connection.send(REQUEST)
                selector.modify(connection, selectors.EVENT_READ)
            elif connection.recv(65_536).startswith(b"HTTP/1.1 200"):
                found.append(time.perf_counter() - start)
                selector.unregister(connection)
            else:
                raise RuntimeError("a connection was closed, or not answered with 200")
    return found
