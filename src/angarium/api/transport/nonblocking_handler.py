"""The socket of one connection, which never blocks.

What wakes the connection, how long it may wait, how much memory it
holds, and the bytes that go in and out.
"""

import contextlib
import selectors
import socket
from http.server import BaseHTTPRequestHandler
from typing import Self, cast

from angarium import logs
from angarium.api.transport.event_loop import EventLoop
from angarium.api.transport.response_writer import SendBuffer
from angarium.timeout_queue import TimeoutQueue

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

_log = logs.get("angarium.api.transport")


class NonBlockingHandler(BaseHTTPRequestHandler):
    """`http.server`'s handler on a socket that never blocks."""

    connection: socket.socket
    _loop: EventLoop[Self]
    _timeout_queue: TimeoutQueue[Self] | None

    def setup(self) -> None:
        """Prepare the socket, with nothing to send.

        Small responses are sent at once: TCP_NODELAY turns Nagle's
        algorithm off.
        """
        self.connection = self.request
        self.connection.setblocking(False)
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self._loop = cast("EventLoop[Self]", self.server)
        self._peer = str(self.client_address[0])
        self._send_buffer = SendBuffer()
        self._events = 0
        self._timeout_queue = None
        self._sent_since_wait = 0
        self._held = 0

    def close(self) -> None:
        """Close the socket and leave the server."""
        raise NotImplementedError

    def can_be_evicted(self) -> bool:
        """Look whether the connection may be closed for another one.

        Returns:
            False if it does not wait for its client, or bytes of a next
            request have arrived that nobody has read yet.
        """
        if self._timeout_queue is not self._loop.idle:
            return self._timeout_queue is not None
        with contextlib.suppress(BlockingIOError, ConnectionError):
            return not self.connection.recv(1, socket.MSG_PEEK)
        return True

    def close_if_silent(self) -> None:
        """Close, unless bytes have arrived that nobody has read yet."""
        if self.can_be_evicted():
            self.close()

    def _watch(self: Self, events: int) -> None:
        """Be woken at these events of the socket, and at no others."""
        if events != self._events:
            self._loop.watch(self, self._events, events)
            self._events = events

    def _wait_in(self, queue: TimeoutQueue[Self] | None, afresh: bool = False) -> None:
        """Wait for the client, under a queue's time limit.

        Args:
            queue: None if the client is not waited for.
            afresh: Whether the time starts again if it waits there
                already.
        """
        before = self._timeout_queue
        if before is not queue:
            if before is not None:
                before.remove(self)
            self._timeout_queue = queue
            if queue is None:
                self._loop.connections.works(self)
        elif not afresh:
            return
        if queue is not None:
            self._sent_since_wait = 0
            queue.add(self, self._loop.now)
            self._loop.connections.waits(self)

    def _hold(self: Self, held: int) -> None:
        """Tell the memory budget how many bytes are held from now on.

        If there is no room, it may close this connection: a caller must
        not use the connection afterwards.
        """
        more = held - self._held
        if more:
            self._held = held
            self._loop.memory.change(self, more)

    def _receive(self) -> bytes | None:
        """Return received bytes, `b""` at the end, None if none came.

        Closes the connection if it is broken.
        """
        buffer = self._loop.receive_buffer
        try:
            return bytes(buffer[: self.connection.recv_into(buffer)])
        except BlockingIOError:
            return None
        except OSError as error:
            self._close_broken(error)
            return None

    def _flush(self) -> bool:
        """Return False if sending what the socket takes fails."""
        try:
            self._sent_since_wait += self._send_buffer.flush(self.connection)
        except OSError as error:
            self._close_broken(error)
            return False
        return True

    def _end_output(self) -> bool:
        """Return False if saying that nothing follows fails."""
        try:
            self.connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._close_broken(error)
            return False
        return True

    def _close_broken(self, error: OSError) -> None:
        """Close a connection that the client has broken off."""
        _log.debug("client_gone", f"a client broke its connection off: {error}", peer=self._peer)
        self.close()
