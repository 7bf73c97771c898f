"""One keep-alive connection with a deadline for each exchange."""

import http.client
import io
import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from angarium.client.errors import ServerUnreachable, UnexpectedResponse
from angarium.client.transport import Response


class BoundedSocket:
    """The part of a socket that `http.client` uses once connected.

    A timeout of a socket is for one call. Here all calls share a
    deadline, so that a peer that sends a byte at a time cannot hold a
    request for longer.
    """

    def __init__(self, connected: socket.socket, remaining: Callable[[], float]) -> None:
        """Use a connected socket from now on.

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
    """Reads from a socket and renews its timeout before each read."""

    def __init__(self, connected: socket.socket, remaining: Callable[[], float]) -> None:
        """Open the socket's own unbuffered file."""
        self._socket = connected
        self._file = connected.makefile("rb", buffering=0)
        self._remaining = remaining

    def readable(self) -> bool:
        """Tell `io.BufferedReader` that it can read from this."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]  # `Buffer` is new in 3.12
        """Read what is there, waiting until the deadline."""
        # A socket's timeout is for one call: set it to the time left
        # before each.
        self._socket.settimeout(self._remaining())
        return self._file.readinto(buffer)

    def close(self) -> None:
        """Close the socket's file too, or the socket stays open."""
        self._file.close()
        super().close()


MAX_BYTES = 64 * 1024 * 1024
"""Largest body that is read: ten times the largest page."""

_CHUNK = 64 * 1024
_STALE = (
    ConnectionResetError,
    BrokenPipeError,
    ConnectionAbortedError,
    http.client.RemoteDisconnected,
)


def connect(host: str, port: int, remaining: Callable[[], float]) -> socket.socket:
    """Connect to the first address of a host that answers.

    `http.client` would give each address the whole time, one after the
    other. Only the look-up of the name has a limit of its own, the
    system's.

    Args:
        host: A name or an address.
        port: The port.
        remaining: As `BoundedSocket` has it. The addresses that are
            left share that time.

    Returns:
        The connected socket.

    Raises:
        OSError: The last address's failure.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        # A label that is empty or too long for a name.
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    failure = OSError(f"no address of {host}")
    for left, (family, kind, protocol, _, address) in zip(
        range(len(addresses), 0, -1), addresses, strict=True
    ):
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(remaining() / left)
            connected.connect(address)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connected.close()
            failure = error
        except BaseException:
            connected.close()
            raise
        else:
            return connected
    raise failure


class HttpTransport:
    """Speaks HTTP/1.1, over TLS where the address says so."""

    def __init__(self, url: str, timeout_s: float) -> None:
        """Parse the address; the first request connects."""
        self.url = url
        self._timeout_s = timeout_s
        self._ends_at = 0.0
        parts = urlsplit(url)
        self._prefix = parts.path
        # The scope of an IPv6 address follows %25 in a URL (RFC 6874).
        host = unquote(parts.hostname or "")
        self._tls: ssl.SSLContext | None = None
        self._connection = http.client.HTTPConnection(host, parts.port)
        if parts.scheme == "https":
            self._tls = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(host, parts.port, context=self._tls)

    def exchange(
        self, method: str, path: str, body: Mapping[str, object] | None, headers: Mapping[str, str]
    ) -> Response:
        """Implements `Transport.exchange`, on the open connection."""
        data = None if body is None else _encode(body)
        more = {} if data is None else {"Content-Type": "application/json"}
        wanted = (
            method,
            self._prefix + path,
            data,
            {"Accept": "application/json", **more, **headers},
        )
        kept = self._connection.sock is not None
        self._ends_at = time.monotonic() + self._timeout_s
        try:
            try:
                return self._once(*wanted)
            except _STALE:
                # The server closed the open connection meanwhile: the
                # request is sent again, once, on a new one.
                self.close()
                if not kept:
                    raise
                return self._once(*wanted)
        except (OSError, http.client.HTTPException, UnicodeDecodeError) as error:
            self.close()
            if _is_an_outage(error):
                raise ServerUnreachable(self.url, _reason(error, self._timeout_s)) from error
            raise UnexpectedResponse(self.url, type(error).__name__) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Implements `Transport.close`; a later request reconnects."""
        self._connection.close()

    def _once(
        self, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
    ) -> Response:
        """Exchange once, on the open connection or a new one."""
        if self._connection.sock is None:
            self._connect()
        self._connection.request(method, path, data, headers)
        response = self._connection.getresponse()
        content = _content(response)
        return Response(
            response.status, response.reason, response.getheader("Retry-After"), content.decode()
        )

    def _connect(self) -> None:
        """Connect, and bound every later wait by the deadline."""
        connection = self._connection
        connected = connect(connection.host, connection.port, self._remaining)
        try:
            if self._tls is not None:
                connected.settimeout(self._remaining())
                connected = self._tls.wrap_socket(connected, server_hostname=connection.host)
        except BaseException:
            connected.close()
            raise
        connection.sock = BoundedSocket(connected, self._remaining)

    def _remaining(self) -> float:
        """Return the seconds left, or raise TimeoutError."""
        remaining = self._ends_at - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        return remaining


def _encode(body: Mapping[str, object]) -> bytes:
    """Write a body as JSON in UTF-8."""
    try:
        return json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8. The server is to refuse the
        # text, as it does with other clients.
        return json.dumps(body).encode()


def _content(response: http.client.HTTPResponse) -> bytes:
    """Read a body of at most MAX_BYTES, and see that it is whole."""
    content = bytearray()
    while chunk := response.read(_CHUNK):
        content += chunk
        if len(content) > MAX_BYTES:
            raise http.client.HTTPException("too much")
    # http.client takes the end of the connection for the end of the
    # headers, and of the body.
    if response.length or (response.length is None and not response.chunked):
        raise http.client.IncompleteRead(bytes(content))
    return bytes(content)


def _is_an_outage(error: Exception) -> bool:
    """Tell a failure of the network from a server of another kind."""
    if isinstance(error, http.client.BadStatusLine) and not isinstance(
        error, http.client.RemoteDisconnected
    ):
        # A server that is killed may get out the beginning of its
        # answer.
        line = str(error.args[0])
        return "HTTP/1.1 ".startswith(line) or line.startswith("HTTP/1.1 ")
    return isinstance(error, OSError | http.client.IncompleteRead)


def _reason(error: Exception, timeout_s: float) -> str:
    """Put an exception into a few words for a person."""
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error.strerror or type(error).__name__}"
    if isinstance(error, http.client.HTTPException):
        return "the answer was cut off"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "the connection was closed"
