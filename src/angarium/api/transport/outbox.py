"""Bytes on their way to a client who may read slowly."""

import socket


class SendBuffer:
    """Sends without blocking, and keeps what the socket does not take yet.

    Attributes:
        blocked: True while the socket took less than there was.
        held: Bytes that are kept in memory, the sent ones of an answer that is not all sent included.
    """

    __slots__ = ("_parts", "_rest", "blocked", "held")

    def __init__(self) -> None:
        self.blocked = False
        self.held = 0
        self._parts: list[bytes] = []
        self._rest: memoryview | None = None

    def add(self, data: bytes) -> None:
        """Take bytes to send with the next flush.

        Args:
            data: A whole response.
        """
        self._parts.append(data)
        self.held += len(data)

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
            self.held = len(data)
        try:
            sent = connection.send(data)
        except BlockingIOError:
            sent = 0
        self.blocked = sent < len(data)
        if self.blocked:
            self._rest = memoryview(data)[sent:]
        else:
            self._rest = None
            self.held = 0
        return sent
