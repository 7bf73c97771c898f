"""One client's connection: requests in, responses out, in order.

It is `http.server`'s handler, driven by an event loop instead of a
thread of its own (docs/adr/0006). `connection_state.py` has the table
of its states.
"""

from collections.abc import Sequence
from typing import Self

from angarium import logs
from angarium.api.interface import MAX_BODY_BYTES, Admission, Head, Refusal, Response
from angarium.api.transport.access_log import UNANSWERED, AccessLog
from angarium.api.transport.connection_state import (
    BODY,
    CLOSED,
    DISCARDING,
    HEAD,
    LINGERING,
    RUNNING,
)
from angarium.api.transport.http_parser import HttpError
from angarium.api.transport.limits import (
    BURST,
    IN_HAND_COPIES,
    MAX_PENDING,
    MAX_UNSENT,
    WRITE_PROGRESS,
)
from angarium.api.transport.nonblocking_handler import READ, WRITE, NonBlockingHandler
from angarium.api.transport.request_framing import Framing
from angarium.api.transport.request_reader import RequestReader
from angarium.api.transport.response_writer import CONTINUE, SendBuffer
from angarium.api.transport.trace_id import trace_id_of
from angarium.domain.errors import Code

_log = logs.get("angarium.api.transport")


class Connection(NonBlockingHandler):
    """Reads requests, has them run, and writes the responses.

    It handles one request at a time. Pipelined requests wait in the
    buffer, then in the socket.
    """

    def setup(self) -> None:
        """Start with nothing received and nothing to send."""
        super().setup()
        self._reader = RequestReader(self._loop.heads)
        self._state = HEAD
        self._input_ended = self._closing = False
        # Bytes that the running request holds.
        self._running_bytes = 0
        self._linger_until = 0.0
        self._admission: Admission | None = None
        self._access = AccessLog()
        self._keep_alive, self._says_keep_alive = True, False
        self._origins: Sequence[str] = ()

    def handle(self) -> None:
        """Wait for the first request."""
        self._wait(starved=True)

    def finish(self) -> None:
        """Stay open where `socketserver` would close the connection."""

    def ready(self, events: int) -> None:
        """Continue, because the socket is ready or it is its turn.

        Args:
            events: The selector's mask, 0 for another turn.
        """
        if self._state is CLOSED:
            return
        if events & READ:
            self._read()
        elif self._state is not LINGERING:
            # A time limit may have ended it since it asked for a turn.
            self._advance()

    def reply(self, response: Response) -> None:
        """Implements `Client.reply`."""
        self._respond(response)
        if self._state is CLOSED:
            self._hold(0)
        else:
            self._advance()

    def close_after_timeout(self) -> None:
        """Close, because the client took too long.

        In the middle of a request it gets 408 first.
        """
        queue, self._timeout_queue = self._timeout_queue, None
        if queue is self._loop.reading and self._state is not DISCARDING:
            self._refuse(
                Code.REQUEST_TIMEOUT,
                "The request was not all there in time; send it again, faster.",
            )
            self._flush_and_wait()
            return
        if queue is self._loop.writing:
            _log.info("write_timeout", "a client did not take its answer", peer=self._peer)
        self.close()

    def evict_for_memory(self) -> None:
        """Close, because all connections together hold too much memory.

        In the middle of a request the client gets 503 first.
        """
        if self._state is RUNNING or self._send_buffer.blocked:
            self.close()
            return
        self._refuse(
            Code.OVERLOADED,
            "Too much is being sent to the service at once; send this again later.",
        )
        self._reader = RequestReader(self._loop.heads)
        self._flush_and_wait()

    def evict_for_connection(self) -> None:
        """Close at once, so that another connection may be accepted.

        In the middle of a request the client gets 503 first.
        """
        if self._timeout_queue is self._loop.reading:
            self._refuse(
                Code.OVERLOADED,
                "The service has too many connections; send this again later, faster.",
            )
            if not self._flush():
                return
        self.close()

    def stop_discarding(self) -> None:
        """Stop reading away the body of a request that was refused."""
        if self._state is DISCARDING:
            self._closing = True
            self._wait(starved=True)

    def close(self: Self) -> None:
        """Close the socket and leave the server; safe to repeat.

        A running request continues; its response is sent to nobody.
        """
        if self._state is CLOSED:
            return
        if self._state is BODY:
            self._access.write(UNANSWERED, self._loop.clock.monotonic())
        self._wait_in(None)
        self._watch(0)
        # The running request holds its memory until it ends.
        self._hold(self._running_bytes)
        # It refers to this connection, and nobody needs these bytes any
        # more.
        self._send_buffer = SendBuffer()
        self._reader = RequestReader(self._loop.heads)
        self._state = CLOSED
        self.connection.close()
        self._loop.forget(self)

    def _read(self) -> None:
        """Take what the socket has received, and act on it."""
        data = self._receive()
        if data is None:
            return
        self._input_ended = not data
        if self._state is LINGERING:
            self._keep_lingering()
            return
        self._reader.feed(data)
        self._advance()

    def _advance(self) -> None:
        """Do all that the received bytes allow, for at most a burst."""
        if self._send_buffer.blocked and not self._flush():
            return
        send_buffer = self._send_buffer
        steps = BURST
        while steps:
            # Before the next request: a client that takes no responses
            # gets no more of them made.
            if send_buffer.held >= MAX_UNSENT and not self._flush():
                return
            if send_buffer.blocked or not self._step():
                break
            steps -= 1
            if self._reader.pending and self._loop.clock.monotonic() >= self._loop.slice_ends:
                steps = 0
        # A full socket ends the burst too, and may have room again when
        # it is tried once more.
        self._flush_and_wait(starved=steps > 0 and not send_buffer.blocked)

    def _step(self) -> bool:
        """Return False if more bytes or a response must come first."""
        state = self._state
        if self._closing or state is RUNNING:
            return False
        try:
            if state is HEAD:
                return self._reader.pending > 0 and self._start_request()
            body = self._reader.body()
        except HttpError as error:
            self._refuse(error.code, error.detail)
            return False
        if body is None:
            return self._reader.has_more
        if state is BODY and self._admission is not None:
            return self._run(self._admission, body)
        self._state = HEAD
        # What follows a body that nobody wanted has a time limit of
        # its own.
        self._wait_in(None)
        return True

    def _start_request(self) -> bool:
        """Return False if the next request needs more bytes to go on.

        Route, token and length are checked on the head alone, before
        the body is read (docs/adr/0007).
        """
        known = self._reader.head()
        if known is None:
            return False
        request = known.request
        access = self._access
        access.began = self._loop.now
        access.method = method = request.method
        access.trace_id = trace_id = trace_id_of(request.fields)
        self._origins = request.fields.get("origin", ())
        framing = known.framing()
        self._keep_alive = framing.keep_alive
        self._says_keep_alive = framing.keep_alive and not request.minor
        head = Head(method, request.path, request.query, request.headers, self._peer, trace_id)
        decision = self._loop.dispatcher.application.admit(head)
        access.decision = decision
        if isinstance(decision, Refusal):
            return self._refuse_unread(decision.response, framing)
        access.identify(decision.principal)
        return self._start_body(decision, framing)

    def _start_body(self, admission: Admission, framing: Framing) -> bool:
        """Return False if more of an admitted body must come first."""
        self._admission = admission
        self._state = BODY
        if framing.expects_continue and not self._reader.pending:
            self._send_buffer.add(CONTINUE)
        body = self._reader.expect_body(framing.length)
        if body is None:
            return self._reader.has_more
        return self._run(admission, body)

    def _run(self, admission: Admission, body: bytes) -> bool:
        """Return False if the request's response comes later."""
        loop = self._loop
        needed = IN_HAND_COPIES * len(body)
        if body:
            # Before the room is made: this client is not waited for, so
            # its own connection must not be closed for it.
            self._wait_in(None)
            if not loop.memory.has_room(needed - self._held):
                self._respond(loop.dispatcher.refuse_overload(admission))
                return True
        self._state = RUNNING
        response = loop.dispatcher.run(admission, body, self)
        if response is None:
            self._running_bytes = needed
            return False
        self._respond(response)
        return True

    def _refuse_unread(self, response: Response, framing: Framing) -> bool:
        """Respond before the body came, then read a small one away.

        So the connection can be used again.

        Returns:
            False if the rest of the body is awaited.
        """
        if framing.expects_continue or framing.length > MAX_BODY_BYTES:
            self._keep_alive = False
        self._respond(response)
        if framing.length and not self._closing:
            self._state = DISCARDING
            if self._reader.expect_body(framing.length) is None:
                return self._reader.has_more
            self._state = HEAD
        return True

    def _refuse(self, code: Code, detail: str) -> None:
        """Respond to a request that cannot be read on, then close."""
        self._keep_alive = False
        access = self._access
        if self._state is DISCARDING:
            # It has its response already. No further request may be
            # read out of these bytes.
            access.log_broken_body(code, self._peer)
            self._closing = True
            return
        self._origins = access.broke_off(self._loop.now, self._reader.unread).get(
            "origin", self._origins
        )
        self._respond(self._loop.dispatcher.application.refuse(code, detail, access.trace_id))

    def _respond(self, response: Response) -> None:
        """Put a response into the send buffer, and log the request."""
        loop = self._loop
        access = self._access
        if self._state is CLOSED:
            access.write(response.status, loop.clock.monotonic())
            return
        connection_field: str | None = "keep-alive" if self._says_keep_alive else None
        if loop.stopping or not self._keep_alive:
            self._closing = True
            connection_field = "close"
        if loop.cors is not None:
            fields = loop.cors.fields(self._origins)
            response = response._replace(headers=response.headers + fields)
        with_body = access.method != "HEAD"
        encoded = loop.encoder.encode(response, access.trace_id, connection_field, with_body)
        self._send_buffer.add(encoded)
        access.write(response.status, loop.clock.monotonic())
        self._state = HEAD
        self._running_bytes = 0
        if self._timeout_queue is loop.reading:
            # The next request has the whole time limit again.
            self._wait_in(None)

    def _flush_and_wait(self, starved: bool = True) -> None:
        """Send what the socket takes, then wait for what comes next."""
        if self._flush():
            self._wait(starved)

    def _wait(self: Self, starved: bool) -> None:
        """Wait for what comes next, under the time limit of the state.

        Args:
            starved: True if more bytes are needed to go on; False if a
                burst has ended, and it is another connection's turn.
        """
        loop = self._loop
        pending = self._reader.pending
        blocked = self._send_buffer.blocked
        if blocked:
            self._wait_in(loop.writing, afresh=self._sent_since_wait >= WRITE_PROGRESS)
        elif self._closing:
            self._linger()
            return
        elif self._state is RUNNING:
            self._wait_in(None)
        elif not starved:
            # A body keeps its time limit over all its turns.
            is_in_body = self._state is BODY or self._state is DISCARDING
            self._wait_in(loop.reading if is_in_body else None)
            loop.call_again(self)
        elif self._input_ended:
            self._end_input()
            return
        elif self._state is HEAD and not pending:
            self._wait_in(loop.idle, afresh=True)
        else:
            self._wait_in(loop.reading)
        events = 0 if self._input_ended or pending >= MAX_PENDING else READ
        self._watch(events | WRITE if blocked else events)
        self._hold(self._reader.trim() + self._send_buffer.held + self._running_bytes)

    def _end_input(self) -> None:
        """Close after the last byte, with 400 to half a request."""
        if self._state is DISCARDING or (self._state is HEAD and not self._reader.pending):
            self.close()
            return
        self._refuse(
            Code.MALFORMED_REQUEST, "The connection ended before the request did; send all of it."
        )
        self._flush_and_wait()

    def _linger(self) -> None:
        """Say that nothing follows, and wait for the client to close.

        Closing at once could send a reset that overtakes the response
        (RFC 9112, section 9.6).
        """
        if not self._end_output():
            return
        self._state = LINGERING
        self._linger_until = self._loop.now + self._loop.limits.request_timeout_s
        self._reader = RequestReader(self._loop.heads)
        self._hold(0)
        self._keep_lingering()

    def _keep_lingering(self: Self) -> None:
        """Wait for more to throw away, or close if that is enough."""
        if self._input_ended or self._loop.now >= self._linger_until:
            self.close()
            return
        self._wait_in(self._loop.lingering, afresh=True)
        self._watch(READ)
