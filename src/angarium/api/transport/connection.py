"""One client's connection: `http.server`'s handler, driven by a
selector instead of a thread of its own.
"""

import contextlib
import selectors
import socket
from collections.abc import Sequence
from typing import Self

from angarium import logs
from angarium.api.interface import Admission, Head, Refusal, Response
from angarium.api.transport.access_log import UNANSWERED, AccessLog
from angarium.api.transport.body_reader import MAX_BODY
from angarium.api.transport.connection_state import (
    BODY,
    CLOSED,
    DISCARDING,
    HEAD,
    LINGERING,
    RUNNING,
)
from angarium.api.transport.http_parser import Fields, Framing, HttpError, fields_within
from angarium.api.transport.limits import (
    BURST,
    IN_HAND_COPIES,
    MAX_PENDING,
    MAX_UNSENT,
    RECEIVE,
    WRITE_PROGRESS,
)
from angarium.api.transport.nonblocking_handler import NonBlockingHandler
from angarium.api.transport.request_reader import RequestReader
from angarium.api.transport.response_writer import CONTINUE, SendBuffer
from angarium.api.transport.trace_id import trace_id_of
from angarium.domain.errors import Code

READ = selectors.EVENT_READ
WRITE = selectors.EVENT_WRITE

_log = logs.get("angarium.api.transport.connection")


class Connection(NonBlockingHandler):
    """Reads requests, has them run, writes the answers in order; never
    blocks.

    One request is in hand at a time; what is pipelined behind it waits
    in the buffer, then in the socket.
    """

    def setup(self) -> None:
        """Begin with nothing received and nothing to send."""
        super().setup()
        self._peer = str(self.client_address[0])
        self._reader = RequestReader(self._owner.heads)
        self._outbox = SendBuffer()
        self._phase = HEAD
        self._ended = False
        self._closing = False
        self._in_hand = 0
        self._linger_until = 0.0
        self._admission: Admission | None = None
        self._access = AccessLog()
        self._keep_alive, self._announces = True, False
        self._origins: Sequence[str] = ()

    def handle(self) -> None:
        """Begin to wait for the first request."""
        self._settle(starved=True)

    def finish(self) -> None:
        """Keep the connection; it closes itself when the client or the
        server is done.
        """

    def ready(self, events: int) -> None:
        """Go on after the socket became readable or writable, or when
        its turn has come again.

        Args:
            events: The selector's mask, 0 for another turn.
        """
        if self._phase is CLOSED:
            return
        if events & READ:
            self._receive()
        else:
            self._advance()

    def reply(self, response: Response) -> None:
        """Send the answer of the one request in hand.

        Args:
            response: What is answered.
        """
        self._respond(response)
        if self._phase is CLOSED:
            self._hold(0)
        else:
            self._advance()

    def timed_out(self) -> None:
        """End a wait that took too long: for a request, its rest, or
        the client's reading.
        """
        waits, self._waits = self._waits, None
        if waits is self._owner.reading and self._phase is not DISCARDING:
            self._refuse(
                Code.REQUEST_TIMEOUT,
                "The request was not all there in time; send it again, faster.",
            )
            self._finish()
            return
        if waits is self._owner.writing:
            _log.info("write_timeout", "a client did not take its answer", peer=self._peer)
        self.close()

    def make_room(self) -> None:
        """End the connection so that it holds nothing; say so where no
        answer is on its way.
        """
        if self._phase is RUNNING or self._outbox.blocked:
            self.close()
            return
        self._refuse(
            Code.OVERLOADED,
            "Too much is being sent to the service at once; send this again later.",
        )
        self._reader = RequestReader(self._owner.heads)
        self._finish()

    def can_give_way(self) -> bool:
        """Tell whether the connection can be closed to make room for
        another one.

        Returns:
            False when bytes have arrived between two requests that
            nobody read yet.
        """
        if self._waits is not self._owner.idle:
            return self._waits is not None
        with contextlib.suppress(BlockingIOError, ConnectionError):
            return not self.connection.recv(1, socket.MSG_PEEK)
        return True

    def give_way(self) -> None:
        """Close at once, with 503 to a request that was not all
        sent.
        """
        if self._waits is self._owner.reading:
            self._refuse(
                Code.OVERLOADED,
                "The service has too many connections; send this again later, faster.",
            )
            if not self._flush():
                return
        self.close()

    def close_if_silent(self) -> None:
        """Close unless bytes have arrived that nobody read yet."""
        if self.can_give_way():
            self.close()

    def stop_discarding(self) -> None:
        """Read no more of a body that is answered already, where that
        is all that is waited for.
        """
        if self._phase is DISCARDING:
            self._closing = True
            self._settle(starved=True)

    def close(self: Self) -> None:
        """Close the socket and leave the server; what is in hand is
        answered to nobody.
        """
        if self._phase is CLOSED:
            return
        if self._phase is BODY:
            self._access.write(UNANSWERED, self._owner.clock.monotonic())
        self._wait_in(None)
        self._watch(0)
        # What is in hand goes on without its client, and takes room
        # until it ends.
        self._hold(self._in_hand)
        # It knows this connection, and nobody takes these bytes any
        # more.
        self._outbox = SendBuffer()
        self._reader = RequestReader(self._owner.heads)
        self._phase = CLOSED
        self.connection.close()
        self._owner.forget(self)

    def _receive(self) -> None:
        try:
            data = self.connection.recv(RECEIVE)
        except BlockingIOError:
            return
        except OSError as error:
            self._broken(error)
            return
        self._ended = not data
        if self._phase is LINGERING:
            self._lingered()
            return
        self._reader.feed(data)
        self._advance()

    def _advance(self) -> None:
        # Does all that can be done with the bytes at hand.
        if self._outbox.blocked and not self._flush():
            return
        outbox = self._outbox
        steps = BURST
        while steps:
            # Before the next request: who takes no answer gets no other
            # made.
            if outbox.held >= MAX_UNSENT and not self._flush():
                return
            if outbox.blocked or not self._step():
                break
            steps -= 1
            if self._reader.pending and self._owner.clock.monotonic() >= self._owner.slice_ends:
                steps = 0
        # A full socket ends the burst too, and may have room again when
        # it is tried once more.
        self._finish(starved=steps > 0 and not outbox.blocked)

    def _step(self) -> bool:
        # Takes one request as far as possible; False when that needs
        # more bytes, or an answer.
        phase = self._phase
        if self._closing or phase is RUNNING:
            return False
        try:
            if phase is HEAD:
                return self._reader.pending > 0 and self._begin()
            body = self._reader.body()
        except HttpError as error:
            self._refuse(error.code, error.detail)
            return False
        if body is None:
            return False
        if phase is BODY and self._admission is not None:
            return self._run(self._admission, body)
        self._phase = HEAD
        return True

    def _begin(self) -> bool:
        known = self._reader.head()
        if known is None:
            return False
        request = known.request
        access = self._access
        access.began = self._owner.now
        access.method = method = request.method
        access.trace_id = trace_id = trace_id_of(request.fields)
        self._origins = request.fields.get("origin", ())
        framing = known.framing()
        self._keep_alive = framing.keep_alive
        self._announces = framing.keep_alive and not request.minor
        head = Head(method, request.path, request.query, request.headers, self._peer, trace_id)
        decision = self._owner.dispatcher.admit(head)
        access.decision = decision
        if isinstance(decision, Refusal):
            return self._refuse_unread(decision.response, framing)
        access.identify(decision.principal)
        return self._admit(decision, framing)

    def _admit(self, admission: Admission, framing: Framing) -> bool:
        self._admission = admission
        if framing.length > MAX_BODY:
            detail = f"The body has {framing.length:,} bytes; send at most {MAX_BODY:,}."
            response = self._owner.dispatcher.refuse(
                Code.BODY_TOO_LARGE, detail, self._access.trace_id
            )
            return self._refuse_unread(response, framing)
        self._phase = BODY
        if framing.expects_continue and not self._reader.pending:
            self._outbox.add(CONTINUE)
        body = self._reader.expect_body(framing.length)
        return body is not None and self._run(admission, body)

    def _run(self, admission: Admission, body: bytes) -> bool:
        owner = self._owner
        weight = IN_HAND_COPIES * len(body)
        if body:
            # What it takes counts before it is made. Nobody waits for
            # this client any more.
            self._wait_in(None)
            if not owner.holdings.has_room(weight - self._held):
                self._respond(owner.dispatcher.overloaded(admission))
                return True
        self._phase = RUNNING
        response = owner.dispatcher.run(admission, body, self)
        if response is None:
            self._in_hand = weight
            return False
        self._respond(response)
        return True

    def _refuse_unread(self, response: Response, framing: Framing) -> bool:
        # Answers before the body came; a small one is read off so that
        # the connection can go on.
        if framing.expects_continue or framing.length > MAX_BODY:
            self._keep_alive = False
        self._respond(response)
        if framing.length and not self._closing:
            self._phase = DISCARDING
            if self._reader.expect_body(framing.length) is None:
                return False
            self._phase = HEAD
        return True

    def _refuse(self, code: Code, detail: str) -> None:
        # Answers a request that cannot be read on, and reads no
        # further.
        self._keep_alive = False
        access = self._access
        if self._phase is DISCARDING:
            # Its answer is on its way already; all that is left is not
            # to read a request out of this.
            access.discarded(code, self._peer)
            self._closing = True
            return
        fields: Fields = {}
        if not access.began:
            fields = fields_within(self._reader.unread)
            self._origins = fields.get("origin", ())
        access.broke_off(self._owner.now, fields)
        self._respond(self._owner.dispatcher.refuse(code, detail, access.trace_id))

    def _respond(self, response: Response) -> None:
        owner = self._owner
        access = self._access
        if self._phase is CLOSED:
            access.write(response.status, owner.clock.monotonic())
            return
        fate: str | None = "keep-alive" if self._announces else None
        if owner.stopping or not self._keep_alive:
            self._closing = True
            fate = "close"
        if owner.cors is not None:
            response = response._replace(
                headers=response.headers + owner.cors.fields(self._origins)
            )
        self._outbox.add(
            owner.encoder.encode(response, access.trace_id, fate, access.method != "HEAD")
        )
        access.write(response.status, owner.clock.monotonic())
        self._phase = HEAD
        self._in_hand = 0
        if self._waits is owner.reading:
            # The next request has all its time again.
            self._wait_in(None)

    def _finish(self, starved: bool = True) -> None:
        if self._flush():
            self._settle(starved)

    def _flush(self) -> bool:
        # False when the connection broke.
        try:
            self._progress += self._outbox.flush(self.connection)
        except OSError as error:
            self._broken(error)
            return False
        return True

    def _settle(self: Self, starved: bool) -> None:
        # Waits for whatever comes next, no longer than it may take.
        owner = self._owner
        pending = self._reader.pending
        stuck = self._outbox.blocked
        if stuck:
            self._wait_in(owner.writing, afresh=self._progress >= WRITE_PROGRESS)
        elif self._closing:
            self._linger()
            return
        elif self._phase is RUNNING:
            self._wait_in(None)
        elif not starved:
            self._wait_in(None)
            owner.call_again(self)
        elif self._ended:
            self._break_off()
            return
        elif self._phase is HEAD and not pending:
            self._wait_in(owner.idle, afresh=True)
        else:
            self._wait_in(owner.reading)
        wanted = 0 if self._ended or pending >= MAX_PENDING else READ
        self._watch(wanted | WRITE if stuck else wanted)
        self._hold(self._reader.trim() + self._outbox.held + self._in_hand)

    def _break_off(self) -> None:
        # The client sends no more; when that is in the middle of a
        # request it is told so.
        if self._phase is DISCARDING or (self._phase is HEAD and not self._reader.pending):
            self.close()
            return
        self._refuse(
            Code.MALFORMED_REQUEST, "The connection ended before the request did; send all of it."
        )
        self._finish()

    def _linger(self) -> None:
        # Says that nothing follows, and reads on so that no reset
        # overtakes the answer (RFC 9112, 9.6).
        try:
            self.connection.shutdown(socket.SHUT_WR)
        except OSError as error:
            self._broken(error)
            return
        self._phase = LINGERING
        self._linger_until = self._owner.now + self._owner.limits.request_timeout
        self._reader = RequestReader(self._owner.heads)
        self._hold(0)
        self._lingered()

    def _lingered(self: Self) -> None:
        if self._ended or self._owner.now >= self._linger_until:
            self.close()
            return
        self._wait_in(self._owner.lingering, afresh=True)
        self._watch(READ)

    def _broken(self, error: OSError) -> None:
        _log.debug("client_gone", f"a client broke its connection off: {error}", peer=self._peer)
        self.close()
