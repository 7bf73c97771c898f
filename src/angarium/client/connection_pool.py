"""Connections to one server that any number of threads share."""

import threading
from collections.abc import Callable, Mapping

from angarium.client.transport import Response, Transport

MAX_IDLE = 64
"""Open connections that wait for the next request.

More are open only while more threads make requests at the same moment.
It is more than the threads that `angarium verify` usually has, so that
none of them connects again and again.
"""


class ConnectionPool:
    """Gives each request a connection that no other request uses.

    Used by any thread.
    """

    def __init__(self, url: str, connect: Callable[[], Transport]) -> None:
        """Open nothing yet.

        Args:
            url: The server's address.
            connect: Makes a transport for one thread.
        """
        self.url = url
        self._connect = connect
        self._lock = threading.Lock()
        self._idle: list[Transport] = []

    def exchange(
        self, method: str, path: str, body: Mapping[str, object] | None, headers: Mapping[str, str]
    ) -> Response:
        """Implements `Transport.exchange`, on the newest idle one."""
        with self._lock:
            transport = self._idle.pop() if self._idle else None
        if transport is None:
            transport = self._connect()
        try:
            return transport.exchange(method, path, body, headers)
        finally:
            self._keep(transport)

    def close(self) -> None:
        """Implements `Transport.close` for the idle ones.

        One in use is kept or closed by the request that uses it.
        """
        with self._lock:
            idle, self._idle = self._idle, []
        for transport in idle:
            transport.close()

    def _keep(self, transport: Transport) -> None:
        """Keep a connection for the next request, or close it."""
        with self._lock:
            if len(self._idle) < MAX_IDLE:
                self._idle.append(transport)
                return
        transport.close()
