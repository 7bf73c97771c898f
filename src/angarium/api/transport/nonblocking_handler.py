"""What a server knows of one connection: what wakes it, how long it may
wait, how much it holds.
"""

import contextlib
import socket
from http.server import BaseHTTPRequestHandler
from typing import Self, cast

from angarium.api.transport.event_loop import EventLoop
from angarium.timeout_queue import TimeoutQueue


class NonBlockingHandler(BaseHTTPRequestHandler):
    """A handler on a socket that never blocks, and its account with the
    server that owns it.
    """

    connection: socket.socket
    _owner: EventLoop[Self]
    _waits: TimeoutQueue[Self] | None

    def setup(self) -> None:
        """Prepare the socket: no blocking, and no waiting for a fuller
        packet.
        """
        self.connection = self.request
        self.connection.setblocking(False)
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
        self._owner = cast("EventLoop[Self]", self.server)
        self._events = 0
        self._waits = None
        self._progress = 0
        self._held = 0

    def _watch(self: Self, events: int) -> None:
        if events != self._events:
            self._owner.watch(self, self._events, events)
            self._events = events

    def _wait_in(self, waits: TimeoutQueue[Self] | None, afresh: bool = False) -> None:
        before = self._waits
        if before is not waits:
            if before is not None:
                before.remove(self)
            self._waits = waits
            if waits is None:
                self._owner.connections.works(self)
        elif not afresh:
            return
        if waits is not None:
            self._progress = 0
            waits.add(self, self._owner.now)
            self._owner.connections.waits(self)

    def _hold(self: Self, held: int) -> None:
        # There may be no room for it, not even here: whoever calls this
        # looks at nothing afterwards.
        more = held - self._held
        if more:
            self._held = held
            self._owner.holdings.change(self, more)
