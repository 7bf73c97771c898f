"""Bytes on their way to a client who may read slowly."""

import socket


class Outbox:
    """Sends without blocking, and keeps what the socket does not take yet.

    Attributes:
        stuck: True while the socket took less than there was.
    """

    __slots__ = ("_parts", "_rest", "stuck")

    def __init__(self) -> None:
        self.stuck = False
        self._parts: list[bytes] = []
        self._rest: memoryview | None = None

    def add(self, data: bytes) -> None:
        """Take bytes to send with the next flush.

        Args:
            data: A whole response.
        """
        self._parts.append(data)

    def flush(self, connection: socket.socket) -> int:
        """Send as much as the socket takes, in one call.

        Args:
            connection: Where to; it does not block.

        Returns:
            How many bytes it took.

        Raises:
            OSError: The connection is broken.
        """
        parts = self._parts
        if self._rest is None and not parts:
            return 0
        if self._rest is None:
            data: bytes | memoryview = parts[0] if len(parts) == 1 else b"".join(parts)
        else:
            data = memoryview(b"".join([self._rest, *parts])) if parts else self._rest
        if parts:
            self._parts = []
        try:
            sent = connection.send(data)
        except BlockingIOError:
            sent = 0
        self.stuck = sent < len(data)
        self._rest = memoryview(data)[sent:] if self.stuck else None
        return sent
