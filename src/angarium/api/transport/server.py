"""The HTTP server: one thread owns all connections (docs/adr/0006).

That thread never waits for anything but its selector.
"""

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
from angarium.api.transport.acceptor import Acceptor
from angarium.api.transport.connection import Connection
from angarium.api.transport.connection_table import ConnectionTable
from angarium.api.transport.dispatcher import Dispatcher
from angarium.api.transport.head_cache import HeadCache
from angarium.api.transport.limits import RECEIVE, SLICE_S, ServerLimits, allowed_connections
from angarium.api.transport.listening import resolve_listening_address, url_of
from angarium.api.transport.memory_budget import MemoryBudget
from angarium.api.transport.ready_queue import ReadyQueue
from angarium.api.transport.response_writer import ResponseEncoder
from angarium.api.transport.socket_watch import SocketWatch
from angarium.clock import Clock
from angarium.domain.ip_addresses import client_key
from angarium.timeout_queue import TimeoutQueue

__all__ = ["Server", "ServerLimits"]

SWEEP_PERIOD_S = 0.05
"""Seconds between two looks for time limits that have passed. The
shortest of them is 2 s, so a look every 50 ms is exact enough.
"""
IDLE_SWEEP_PERIOD_S = 0.5
"""The same while nobody is connected."""

_log = logs.get("angarium.api.transport")


class Server(HTTPServer):
    """The listening socket, the connections, and the loop for them.

    Implements `EventLoop`, where the attributes are explained.
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
        idle_hint: Callable[[], None] | None = None,
    ) -> None:
        """Bind the address; nobody is served before `serve`.

        Args:
            address: A host's name or address, and a port (0: any).
            application: Admits and runs requests.
            limits: All sizes and time limits.
            clock: Measures the time limits, and dates the responses.
            cors: Adds header fields for web pages; None where no page
                of another origin may call.
            idle_hint: Called before each sleep of the event loop, when
                no request is left to run; None to call nothing.
        """
        self.address_family, resolved = resolve_listening_address(*address)
        self.limits = limits
        self.clock = clock
        self.now = clock.monotonic()
        self.slice_ends = self.now
        self.dispatcher = Dispatcher(application, limits, clock)
        self.encoder = ResponseEncoder(clock)
        self.heads = HeadCache()
        self.receive_buffer = memoryview(bytearray(RECEIVE))
        self.cors = cors
        self._idle_hint = idle_hint
        self.stopping = False
        self.idle: TimeoutQueue[Connection] = TimeoutQueue(limits.idle_timeout_s)
        self.reading: TimeoutQueue[Connection] = TimeoutQueue(limits.request_timeout_s)
        self.writing: TimeoutQueue[Connection] = TimeoutQueue(limits.write_timeout_s)
        self.lingering: TimeoutQueue[Connection] = TimeoutQueue(limits.linger_timeout_s)
        self.memory = MemoryBudget(
            limits.max_held_bytes,
            (self.reading, self.writing),
            lambda connection: self._call_or_close(connection, Connection.evict_for_memory),
        )
        self._selector = selectors.DefaultSelector()
        self._sockets: SocketWatch[Connection] = SocketWatch(self._selector)
        self.connections: ConnectionTable[Connection] = ConnectionTable()
        self._ready_queue: ReadyQueue[Connection] = ReadyQueue()
        self._again: list[Connection] = []
        self._next_sweep = 0.0
        self._started = False
        self._stops = 0
        self._grace_s = 0.0
        self._give_up_at = 0.0
        self._acceptor = Acceptor(
            self,
            self._selector,
            self.connections,
            limits.max_connections or allowed_connections(),
            self._welcome,
            lambda connection: self._call_or_close(connection, Connection.evict_for_connection),
        )
        # Last, because a failure to bind closes everything above.
        super().__init__(cast("tuple[str, int]", resolved), Connection)
        self.socket.setblocking(False)

    @property
    def url(self) -> str:
        """The address it listens on, as `http://host:port`."""
        return url_of(self.server_address)

    def server_bind(self) -> None:
        """Bind the address without `HTTPServer`'s reverse look-up.

        A name server that does not answer would delay the start by many
        seconds.
        """
        super(HTTPServer, self).server_bind()
        host, port = self.server_address[:2]
        self.server_name = str(host)
        self.server_port = int(port)

    def start(self) -> None:
        """Start the threads; safe to repeat.

        Called before anybody is told the address, because a system may
        refuse to start more threads.

        Raises:
            RuntimeError: The system starts no more threads.
        """
        if not self._started:
            self._started = True
            self.dispatcher.start()

    def serve(self) -> None:
        """Serve until `stop`, then close all sockets and threads."""
        self.start()
        self._selector.register(self.dispatcher.completions, selectors.EVENT_READ)
        try:
            while not self._has_ended():
                self._run_once()
        finally:
            self.server_close()

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Serve until `stop`, under the name that `socketserver` uses.

        Args:
            poll_interval: Ignored; nothing is polled here.
        """
        del poll_interval
        self.serve()

    def stop(self, grace_s: float) -> None:
        """Stop accepting, finish the current requests, then close.

        Returns at once, from any thread and from a signal handler;
        `serve` returns when all is done. A second call ends at once.

        Args:
            grace_s: How long finishing may take.
        """
        self._grace_s = grace_s
        self._stops += 1
        self.dispatcher.completions.wake()

    def shutdown(self) -> None:
        """Stop without a grace period, under `socketserver`'s name."""
        self.stop(0.0)

    def server_close(self) -> None:
        """Close every socket and end the threads; safe to repeat."""
        self._acceptor.pause()
        for connection in tuple(self.connections):
            connection.close()
        self._acceptor.report(math.inf)
        self.memory.report(math.inf)
        self.dispatcher.report(math.inf)
        self._selector.close()
        self.dispatcher.close()
        super().server_close()

    def process_request(self, request: object, client_address: object) -> None:
        """Start to serve a new connection, which outlives this call.

        Args:
            request: The connected socket.
            client_address: The other end's address.
        """
        connection = Connection(cast("socket.socket", request), client_address, self)
        self.connections.add(connection, client_key(connection.client_address[0]))
        self.connections.waits(connection)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log the exception that is being handled.

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
        """Implements `EventLoop.watch`."""
        self._sockets.watch(connection, before, events)

    def call_again(self, connection: Connection) -> None:
        """Implements `EventLoop.call_again`."""
        self._again.append(connection)

    def forget(self, connection: Connection) -> None:
        """Implements `EventLoop.forget`."""
        self.connections.remove(connection)

    def _hint_idle(self) -> None:
        """Call the idle hint; log whatever it raises."""
        if self._idle_hint is None:
            return
        try:
            self._idle_hint()
        except Exception as error:  # noqa: BLE001 - it must not end the server
            _log.error("internal_error", "the hint before a sleep failed", error)

    def _run_once(self) -> None:
        """Run the loop's body: wait, collect responses, serve, sweep.

        See docs/how/event-loop-wakeup.md.
        """
        completions = self.dispatcher.completions
        if not self.stopping:
            self._acceptor.resume(self.now)
        # Connections that have had a turn come after those that have
        # not.
        again, self._again = self._again, []
        events = self._selector.select(0.0)
        has_work = events or again or self._ready_queue or self._next_sweep <= self.now
        if not has_work and completions.prepare_to_sleep():
            self._hint_idle()
            events = self._selector.select(
                SWEEP_PERIOD_S if self.connections else IDLE_SWEEP_PERIOD_S
            )
            completions.awake()
        self.now = self.clock.monotonic()
        has_newcomers = False
        for key, mask in events:
            if key.data is not None:
                self._queue_ready(key.data, mask)
            elif key.fileobj is completions:
                completions.clear()
            else:
                has_newcomers = True
        if has_newcomers:
            # Last, because it may close a connection that is among the
            # events.
            self._acceptor.accept_some(self.now)
        self.dispatcher.collect()
        for connection in again:
            self._ready_queue.add(connection, self.connections.address_of(connection), 0)
        self._serve_slice()
        if self.now >= self._next_sweep:
            self._next_sweep = self.now + SWEEP_PERIOD_S
            self._sweep()
        if self._stops:
            self._wind_down()

    def _queue_ready(self, connection: Connection, events: int) -> None:
        """Queue a connection that the selector has reported."""
        address = self.connections.address_of(connection)
        if not self._ready_queue.add(connection, address, events):
            # The second report of one that has not had its turn.
            self._sockets.set_aside(connection)

    def _serve_slice(self) -> None:
        """Serve ready connections for SLICE_S, addresses in turn.

        A response that a thread has made meanwhile is sent before the
        next of them.
        """
        completions = self.dispatcher.completions
        began = self.clock.monotonic()
        self.slice_ends = began + SLICE_S
        while self._ready_queue:
            connection, events, address = self._ready_queue.pop()
            self._sockets.resume(connection)
            self._serve_one(connection, events)
            done = self.clock.monotonic()
            self._ready_queue.charge(address, done - began)
            if completions:
                self.dispatcher.collect()
                done = self.clock.monotonic()
            began = done
            if done >= self.slice_ends:
                # The rest stays queued while the loop looks who has
                # become ready meanwhile.
                return

    def _serve_one(self, connection: Connection, events: int) -> None:
        """Let a connection do what it can; close it if it fails."""
        try:
            connection.ready(events)
        except Exception:  # noqa: BLE001 - one connection's fault must not end the server
            self._close_failed(connection)

    def _call_or_close(self, connection: Connection, step: Callable[[Connection], None]) -> None:
        """Call a method of a connection; close it if that fails."""
        try:
            step(connection)
        except Exception:  # noqa: BLE001 - as above
            self._close_failed(connection)

    def _close_failed(self, connection: Connection) -> None:
        """Log the exception being handled, and close its connection."""
        self.handle_error(connection.connection, connection.client_address)
        connection.close()

    def _sweep(self) -> None:
        """Act on time limits that have passed, and log what is due.

        All together for SLICE_S, but on one of each kind at least.
        """
        ends = self.clock.monotonic() + SLICE_S

        def is_over() -> bool:
            return self.clock.monotonic() >= ends

        queues = (self.idle, self.reading, self.writing, self.lingering)
        for queue in queues:
            for connection in queue.pop_expired(self.now, is_over):
                self._call_or_close(connection, Connection.close_after_timeout)
        if self.dispatcher.sweep(self.now, is_over) or any(
            queue.is_due(self.now) for queue in queues
        ):
            # After the connections that are ready now.
            self._next_sweep = self.now
        self.memory.report(self.now)
        self._acceptor.report(self.now)

    def _welcome(self, request: socket.socket, client_address: object) -> None:
        """Start to serve an accepted socket; close it if that fails."""
        try:
            self.process_request(request, client_address)
        except Exception:  # noqa: BLE001 - one connection's fault must not end the server
            self.handle_error(request, client_address)
            request.close()

    def _wind_down(self) -> None:
        """Take what came before the stop, then only finish that."""
        if not self.stopping:
            self._give_up_at = self.now + self._grace_s
            while self._acceptor.accept_some(self.now):
                pass
            self._acceptor.pause()
            self.socket.close()
            self.stopping = True
        for connection in tuple(self.idle):
            connection.close_if_silent()
        for connection in tuple(self.reading):
            connection.stop_discarding()

    def _has_ended(self) -> bool:
        """Return whether the loop ends: all done, or out of time."""
        if not self.stopping:
            return False
        if self._stops > 1 or self.now >= self._give_up_at:
            self.dispatcher.abandon()
            return True
        return not self.connections and not self.dispatcher.busy
