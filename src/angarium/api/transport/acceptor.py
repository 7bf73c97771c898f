"""Accepts connections, as many as there may be.

If all are taken, one that waits for its client makes room for the new
one (docs/adr/0007).
"""

import errno
import selectors
import socket
from collections.abc import Callable
from http.server import HTTPServer

from angarium import logs
from angarium.api.transport.connection import Connection
from angarium.api.transport.connection_table import ConnectionTable
from angarium.logs.repeats import Tally

MAX_ACCEPTED_AT_ONCE = 16
"""Connections accepted before the open ones are served again."""
FULL_LOG_PERIOD_S = 60.0
"""Seconds between two log lines that say that the table is full."""
ACCEPT_PAUSE_S = 0.5
"""Pause after the machine ran out of descriptors: long enough that a
few are free again, short enough that nobody gives up.
"""

_OUT_OF_DESCRIPTORS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_log = logs.get("angarium.api.transport")


class Acceptor:
    """Watches the listening socket while there is room.

    Used by the event loop's thread only.
    """

    def __init__(
        self,
        listening: HTTPServer,
        selector: selectors.BaseSelector,
        connections: ConnectionTable[Connection],
        max_connections: int,
        welcome: Callable[[socket.socket, object], None],
        evict: Callable[[Connection], None],
    ) -> None:
        """Start without accepting; `resume` begins.

        Args:
            listening: Has the listening socket, which must not block.
            selector: The event loop's.
            connections: All open ones.
            max_connections: How many may be open.
            welcome: Starts to serve a connection; must not raise.
            evict: Closes a connection for another one; must not
                raise.
        """
        self._listening = listening
        self._selector = selector
        self._connections = connections
        self._max_connections = max_connections
        self._welcome = welcome
        self._evict = evict
        self._full = Tally(FULL_LOG_PERIOD_S)
        self._watching = False
        self._resume_at = 0.0

    def resume(self, now: float) -> None:
        """Watch the listening socket again, if there can be room.

        Args:
            now: Seconds of the monotonic clock.
        """
        if self._watching or now < self._resume_at:
            return
        if len(self._connections) < self._max_connections or self._connections.has_waiting:
            self._selector.register(self._listening, selectors.EVENT_READ)
            self._watching = True

    def pause(self) -> None:
        """Leave further connections in the system's queue."""
        if self._watching:
            self._selector.unregister(self._listening)
            self._watching = False

    def accept_some(self, now: float) -> bool:
        """Accept connections that wait in the system's queue.

        Args:
            now: Seconds of the monotonic clock.

        Returns:
            False if there are no more, or no room for them.
        """
        for number in range(MAX_ACCEPTED_AT_ONCE):
            leaving = None
            if len(self._connections) >= self._max_connections:
                leaving = self._one_to_close()
                if leaving is None:
                    self._full.add()
                    self.pause()
                    return False
            try:
                request, client_address = self._listening.get_request()
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno in _OUT_OF_DESCRIPTORS:
                    # Linux says so even if nobody waits in the queue.
                    # Something was accepted: that is progress.
                    return number > 0 or self._evict_or_pause(error, now)
                # The client left before it was accepted.
                continue
            if leaving is not None:
                self._full.add()
                self._evict(leaving)
            self._welcome(request, client_address)
        return True

    def report(self, now: float) -> None:
        """Log how many came while all connections were taken, if due.

        Args:
            now: Seconds of the monotonic clock; infinity for the last
                report before the server ends.
        """
        newcomers = self._full.due(now)
        if newcomers:
            address, count = self._connections.largest()
            _log.warning(
                "connections_full",
                f"{newcomers} connections came while all {self._max_connections:,} were taken; "
                "those that had waited longest, of the address with the most, were closed for "
                "them",
                newcomers=newcomers,
                connections=len(self._connections),
                address=address,
                of_address=count,
            )

    def _one_to_close(self) -> Connection | None:
        """Return a connection that can be closed for another one.

        It is the one that has waited longest, of the address with the
        most connections.
        """
        return next(filter(Connection.can_be_evicted, self._connections.candidates()), None)

    def _evict_or_pause(self, error: OSError, now: float) -> bool:
        """Return whether a connection was closed, else pause."""
        leaving = self._one_to_close()
        if leaving is not None:
            self._evict(leaving)
            return True
        self._resume_at = now + ACCEPT_PAUSE_S
        self.pause()
        _log.warning(
            "accept_paused",
            f"no connection can be accepted for {ACCEPT_PAUSE_S} s: {error}; allow more open "
            "files",
            error_type=type(error).__name__,
            connections=len(self._connections),
        )
        return False
