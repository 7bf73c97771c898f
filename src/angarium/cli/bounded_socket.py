"""A socket that is waited for until a deadline in all, however slowly
the other end goes on.
"""

import io
import socket
from collections.abc import Callable


class BoundedSocket:
    """As much of a socket as `http.client` uses once it is
    connected.
    """

    def __init__(self, connected: socket.socket, remaining: Callable[[], float]) -> None:
        """Take a socket over.

        Args:
            connected: The socket.
            remaining: Gives the seconds that are left, or raises
                TimeoutError.
        """
        self._socket = connected
        self._remaining = remaining

    def sendall(self, data: bytes) -> None:
        """Send everything.

        Args:
            data: What to send.
        """
        self._socket.settimeout(self._remaining())
        self._socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Read as from a file.

        Args:
            mode: `rb`, the only one that `http.client` asks for.

        Returns:
            The file; the socket stays open until it is closed too.
        """
        del mode
        return io.BufferedReader(_BoundedFile(self._socket, self._remaining))

    def close(self) -> None:
        """Close the socket, once no file of it is open any more."""
        self._socket.close()


class _BoundedFile(io.RawIOBase):
    def __init__(self, connected: socket.socket, remaining: Callable[[], float]) -> None:
        self._socket = connected
        self._file = connected.makefile("rb", buffering=0)
        self._remaining = remaining

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]  # `Buffer` is new in 3.12
        # A timeout is a single call's: what is left of the whole is set
        # anew before each.
        self._socket.settimeout(self._remaining())
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()
