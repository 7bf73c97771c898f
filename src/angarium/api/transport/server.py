"""The HTTP server: one thread owns all connections and never waits for
anything but its selector.
"""

import errno
import math
import selectors
import socket
import sys
from collections.abc import Callable
from http.server import HTTPServer
from typing import cast

from angarium import logs
from angarium.api.cors import CorsPolicy
from angarium.api.interface import Application
from angarium.api.transport.connection import Connection
from angarium.api.transport.connection_table import ConnectionTable
from angarium.api.transport.dispatcher import Dispatcher
from angarium.api.transport.head_cache import HeadCache
from angarium.api.transport.limits import ServerLimits, allowed_connections
from angarium.api.transport.listening import resolve_listening_address, url_of
from angarium.api.transport.memory_budget import MemoryBudget
from angarium.api.transport.ready_queue import ReadyQueue
from angarium.api.transport.response_writer import ResponseEncoder
from angarium.clock import Clock
from angarium.domain.ip_addresses import client_key
from angarium.logs.repeats import Tally
from angarium.timeout_queue import TimeoutQueue

__all__ = ["Server", "ServerLimits"]

TICK = 0.05
"""Seconds between two looks at who has waited too long."""
QUIET_TICK = 0.5
"""The same while nobody is connected."""
ACCEPTED_AT_ONCE = 16
"""Connections taken before those that are open have their turn."""
FULL_SECONDS = 60.0
"""Between two lines that say that all connections are taken."""
SLICE = 0.001
"""Seconds for connections that are ready before it is looked who else
is: a flood is taken in slices. Whoever comes in the middle of one waits
for it twice, before the request and before an answer from a thread.
"""
ACCEPT_PAUSE = 0.5
"""Seconds without accepting after the machine ran out of
descriptors.
"""

_OUT_OF_DESCRIPTORS = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_log = logs.get("angarium.api.transport.server")


class Server(HTTPServer):
    """Owns the listening socket, the connections, and the loop that
    serves them.

    Attributes:
        limits: The bounds of what is held and waited for.
        clock: Tells the time.
        now: The monotonic clock's seconds when the loop came round
            last.
        slice_ends: The monotonic clock's seconds at which it looks who
            else is ready.
        holdings: Bytes of requests and answers that connections hold.
        dispatcher: Runs requests.
        encoder: Makes bytes of answers.
        heads: Takes requests' heads apart.
        cors: Makes the header fields for web pages on every answer;
            None where none may call.
        stopping: True once `stop` took effect: every answer closes its
            connection.
        idle: Connections between two requests.
        reading: Connections in the middle of a request.
        writing: Connections whose client reads slowly.
        lingering: Connections whose last answer is out.
        connections: All of them, by address.
    """

    allow_reuse_address = True
    allow_reuse_port = False
    request_queue_size = 4096

    def __init__(
        self,
        address: tuple[str, int],
        application: Application,
        limits: ServerLimits,
        clock: Clock,
        cors: CorsPolicy | None = None,
    ) -> None:
        self.address_family, resolved = resolve_listening_address(*address)
        self.limits = limits
        self.clock = clock
        self.now = clock.monotonic()
        self.slice_ends = self.now
        self.dispatcher = Dispatcher(application, limits, clock)
        self.encoder = ResponseEncoder(clock)
        self.heads = HeadCache()
        self.cors = cors
        self.stopping = False
        self.idle: TimeoutQueue[Connection] = TimeoutQueue(limits.idle_timeout)
        self.reading: TimeoutQueue[Connection] = TimeoutQueue(limits.request_timeout)
        self.writing: TimeoutQueue[Connection] = TimeoutQueue(limits.write_timeout)
        self.lingering: TimeoutQueue[Connection] = TimeoutQueue(limits.linger_timeout)
        self.holdings = MemoryBudget(
            limits.max_held,
            (self.reading, self.writing),
            lambda connection: self._safely(connection, Connection.make_room),
        )
        self._most = limits.max_connections or allowed_connections()
        self._selector = selectors.DefaultSelector()
        self.connections: ConnectionTable[Connection] = ConnectionTable()
        self._full = Tally(FULL_SECONDS)
        self._waiting_turn: ReadyQueue[Connection] = ReadyQueue()
        self._again: list[Connection] = []
        self._accepting = False
        self._accept_after = 0.0
        self._next_sweep = 0.0
        self._started = False
        self._stops = 0
        self._grace = 0.0
        self._give_up = 0.0
        # Last, because a failure to bind closes everything above.
        super().__init__(cast("tuple[str, int]", resolved), Connection)
        self.socket.setblocking(False)

    @property
    def url(self) -> str:
        """Name the server's address.

        Returns:
            `http://host:port`.
        """
        return url_of(self.server_address)

    def server_bind(self) -> None:
        """Bind the address, without the reverse look-up that may take
        many seconds.
        """
        super(HTTPServer, self).server_bind()
        host, port = self.server_address[:2]
        self.server_name = str(host)
        self.server_port = int(port)

    def start(self) -> None:
        """Start the threads, unless they run; nobody is told of an
        address before they do.

        Raises:
            RuntimeError: The system starts no more threads.
        """
        if not self._started:
            self._started = True
            self.dispatcher.start()

    def serve(self) -> None:
        """Serve until `stop`, then give everything back."""
        self.start()
        self._selector.register(self.dispatcher.mailbox, selectors.EVENT_READ)
        try:
            while not self._finished():
                self._turn()
        finally:
            self.server_close()

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve until `stop`.

        Args:
            poll_interval: Taken for `socketserver`'s sake; nothing is
                polled.
        """
        del poll_interval
        self.serve()

    def stop(self, grace: float) -> None:
        """Stop accepting, finish what is in hand, close; a second call
        ends at once.

        Returns at once, from any thread and from a signal handler;
        `serve` returns when it is done.

        Args:
            grace: Seconds that finishing may take.
        """
        self._grace = grace
        self._stops += 1
        self.dispatcher.mailbox.wake()

    def shutdown(self) -> None:
        """Stop without any grace, under `socketserver`'s name."""
        self.stop(0.0)

    def server_close(self) -> None:
        """Close every socket and end the threads; safe to repeat."""
        self._accept_no_more()
        for connection in tuple(self.connections):
            connection.close()
        self._report(math.inf)
        self.holdings.report(math.inf)
        self.dispatcher.report(math.inf)
        self._selector.close()
        self.dispatcher.close()
        super().server_close()

    def process_request(self, request: object, client_address: object) -> None:
        """Make the handler of a new connection, which outlives this
        call.

        Args:
            request: The connected socket.
            client_address: The other end's address.
        """
        handler = Connection(cast("socket.socket", request), client_address, self)
        self.connections.add(handler, client_key(handler.client_address[0]))
        self.connections.waits(handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log the fault that is being handled.

        Args:
            request: The connection's socket.
            client_address: The other end's address.
        """
        del request
        error = sys.exception()
        _log.error(
            "internal_error",
            "a connection ended in a fault of the server",
            error,
            peer=str(client_address),
        )

    def watch(self, connection: Connection, before: int, events: int) -> None:
        """Wake a connection at other events than before.

        Args:
            connection: To be told by `ready`.
            before: The events it was woken at, 0 for none.
            events: The selector's mask, 0 for none.
        """
        if not events:
            self._selector.unregister(connection.connection)
        elif before:
            self._selector.modify(connection.connection, events, connection)
        else:
            self._selector.register(connection.connection, events, connection)

    def call_again(self, connection: Connection) -> None:
        """Call a connection's `ready` once others have had their turn.

        Args:
            connection: Has more requests at hand.
        """
        self._again.append(connection)

    def forget(self, connection: Connection) -> None:
        """Forget a closed connection.

        Args:
            connection: Whose socket is closed.
        """
        self.connections.remove(connection)

    def _turn(self) -> None:
        mailbox = self.dispatcher.mailbox
        self._accept_again()
        # Those who put more requests off come after those who were not
        # asked yet.
        again, self._again = self._again, []
        events = self._selector.select(0.0)
        if not events and not again and not self._waiting_turn and mailbox.prepare_to_sleep():
            self.dispatcher.rested()
            events = self._selector.select(TICK if self.connections else QUIET_TICK)
            mailbox.awake()
        self.now = self.clock.monotonic()
        for key, mask in events:
            if key.data is not None:
                self._waiting_turn.add(key.data, self.connections.address_of(key.data), mask)
            elif key.fileobj is mailbox:
                mailbox.clear()
            else:
                self._accept()
        self.dispatcher.collect()
        for connection in again:
            self._waiting_turn.add(connection, self.connections.address_of(connection), 0)
        self._take_turns()
        if self.now >= self._next_sweep:
            self._next_sweep = self.now + TICK
            self._sweep()
        if self._stops:
            self._wind_down()

    def _take_turns(self) -> None:
        """Let connections do what they can, an address after the other,
        no longer than a slice.
        """
        began = self.clock.monotonic()
        self.slice_ends = began + SLICE
        while self._waiting_turn:
            connection, events, address = self._waiting_turn.pop()
            self._ready(connection, events)
            done = self.clock.monotonic()
            self._waiting_turn.charge(address, done - began)
            began = done
            if done >= self.slice_ends:
                # The others are still there when it was looked who has
                # come meanwhile.
                return

    def _ready(self, connection: Connection, events: int) -> None:
        try:
            connection.ready(events)
        except Exception:  # noqa: BLE001 - one connection's fault must not end the server
            self._give_up_on(connection)

    def _safely(self, connection: Connection, step: Callable[[Connection], None]) -> None:
        try:
            step(connection)
        except Exception:  # noqa: BLE001 - as above
            self._give_up_on(connection)

    def _give_up_on(self, connection: Connection) -> None:
        self.handle_error(connection.connection, connection.client_address)
        connection.close()

    def _sweep(self) -> None:
        for waits in (self.idle, self.reading, self.writing, self.lingering):
            for connection in waits.pop_expired(self.now):
                self._safely(connection, Connection.timed_out)
        self.dispatcher.sweep(self.now)
        self.holdings.report(self.now)
        self._report(self.now)

    def _accept(self) -> bool:
        # False when there are no more, or no room for them.
        for number in range(ACCEPTED_AT_ONCE):
            leaving = None
            if len(self.connections) >= self._most:
                leaving = next(
                    filter(Connection.can_give_way, self.connections.candidates()), None
                )
                if leaving is None:
                    self._full.add()
                    self._accept_no_more()
                    return False
            try:
                request, client_address = self.get_request()
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno in _OUT_OF_DESCRIPTORS:
                    # It says so whether or not anybody is there, as
                    # above.
                    return number > 0 or self._make_room_or_pause(error)
                # Otherwise the client left again before it was
                # accepted.
                continue
            if leaving is not None:
                self._full.add()
                self._safely(leaving, Connection.give_way)
            self._welcome(request, client_address)
        return True

    def _welcome(self, request: socket.socket, client_address: object) -> None:
        try:
            self.process_request(request, client_address)
        except Exception:  # noqa: BLE001 - one connection's fault must not end the server
            self.handle_error(request, client_address)
            request.close()

    def _make_room(self) -> bool:
        """Return whether a connection was closed: the longest waiting
        of the address that has most.
        """
        for connection in self.connections.candidates():
            if connection.can_give_way():
                self._safely(connection, Connection.give_way)
                return True
        return False

    def _report(self, now: float) -> None:
        """Write one line a minute about newcomers that found all
        connections taken.
        """
        newcomers = self._full.due(now)
        if newcomers:
            address, count = self.connections.largest()
            _log.warning(
                "connections_full",
                f"{newcomers} connections came while all {self._most:,} were taken; those that "
                "had waited "
                "longest, of the address that had most, were closed for them",
                newcomers=newcomers,
                connections=len(self.connections),
                address=address,
                of_address=count,
            )

    def _make_room_or_pause(self, error: OSError) -> bool:
        if self._make_room():
            return True
        self._accept_after = self.now + ACCEPT_PAUSE
        self._accept_no_more()
        _log.warning(
            "accept_paused",
            f"no connection can be accepted for {ACCEPT_PAUSE} s: {error}; allow more open files",
            error_type=type(error).__name__,
            connections=len(self.connections),
        )
        return False

    def _accept_no_more(self) -> None:
        if self._accepting:
            self._selector.unregister(self.socket)
            self._accepting = False

    def _accept_again(self) -> None:
        if self._accepting or self.stopping or self.now < self._accept_after:
            return
        if len(self.connections) < self._most or self.connections.has_waiting:
            self._selector.register(self.socket, selectors.EVENT_READ)
            self._accepting = True

    def _wind_down(self) -> None:
        """Take what clients sent before the stop, then only finish
        that.
        """
        if not self.stopping:
            self._give_up = self.now + self._grace
            while self._accept():
                pass
            self._accept_no_more()
            self.socket.close()
            self.stopping = True
        for connection in tuple(self.idle):
            connection.close_if_silent()
        for connection in tuple(self.reading):
            connection.stop_discarding()

    def _finished(self) -> bool:
        if not self.stopping:
            return False
        if self._stops > 1 or self.now >= self._give_up:
            self.dispatcher.abandon()
            return True
        return not self.connections and not self.dispatcher.busy
