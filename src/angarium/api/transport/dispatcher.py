"""Running requests: at once, on a lane, or when a future is done; never longer than they are given."""

import math
from collections.abc import Callable, Mapping
from functools import partial

from angarium import deadline, logs
from angarium.api.exchange import Admission, Application, Awaiting, Head, Lane, Refusal, Response, WouldBlock
from angarium.api.path_ids import path_ids
from angarium.api.transport.deadlines import Waits
from angarium.api.transport.lanes import Pool
from angarium.api.transport.limits import ServerLimits
from angarium.api.transport.mailbox import Mailbox
from angarium.api.transport.transaction import Client, Transaction
from angarium.clock import Clock
from angarium.domain.errors import Code

CLOSING_PATIENCE = 1.0
"""Seconds for the lanes' threads to end after the last answer."""
_STEPS_A_SECOND = 10

# Looking a member up on its class costs more than all that is done with it here.
INLINE = Lane.INLINE
HEALTH = Lane.HEALTH
LIVENESS = Lane.LIVENESS

Outcome = Response | Awaiting | WouldBlock
Completion = tuple[Transaction, Callable[[], Response | None]]

_log = logs.get("angarium.api.transport.dispatcher")


class Dispatcher:
    """Runs requests for the server's thread, which calls everything here.

    Attributes:
        mailbox: What lanes and futures completed, for `collect`.
        in_hand: Requests without an answer yet that count against the bound.
    """

    def __init__(self, application: Application, limits: ServerLimits, clock: Clock) -> None:
        self._application = application
        self._limits = limits
        self._clock = clock
        self.mailbox: Mailbox[Completion] = Mailbox()
        self.in_hand = 0
        self._overloads = 0
        most = limits.max_in_flight
        self._pools: Mapping[Lane, Pool] = {
            Lane.STORE: Pool("store", limits.store_threads, most),
            Lane.HASHING: Pool("hashing", limits.hashing_threads, most),
            Lane.HEALTH: Pool("health", limits.health_threads, most),
        }
        self._lanes: Mapping[Lane, Waits[Transaction]] = {
            Lane.STORE: Waits(limits.store_timeout),
            Lane.HASHING: Waits(limits.hashing_timeout),
            Lane.HEALTH: Waits(limits.health_timeout),
        }
        self._futures: dict[int, Waits[Transaction]] = {}

    @property
    def busy(self) -> bool:
        """Tell whether any request has no answer yet.

        Returns:
            False when all are answered, those outside the bound too.
        """
        return any(self._all_waits())

    def start(self) -> None:
        """Start the lanes' threads."""
        for pool in self._pools.values():
            pool.start()

    def close(self) -> None:
        """End the lanes' threads."""
        for pool in self._pools.values():
            pool.close(CLOSING_PATIENCE)
        self.mailbox.close()

    def admit(self, head: Head) -> Admission | Refusal:
        """Ask the application whether a request may send its body.

        Args:
            head: The request's.

        Returns:
            Its decision; a refusal when it fails.
        """
        try:
            return self._application.admit(head)
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the server
            return Refusal(self._failed(head.trace_id, error), "unmatched")

    def refuse(self, code: Code, detail: str, trace_id: str) -> Response:
        """Ask the application for the answer to a fault that the server found.

        Args:
            code: What clients branch on.
            detail: What happened, and what to do next.
            trace_id: The request's.

        Returns:
            The answer.
        """
        return self._application.refuse(code, detail, trace_id)

    def run(self, admission: Admission, body: bytes, client: Client) -> Response | None:
        """Start a request.

        Args:
            admission: What `admit` gave.
            body: The whole body.
            client: Whom to answer later.

        Returns:
            The answer; None when the client gets it later.
        """
        lane = admission.lane
        if self.in_hand >= self._limits.max_in_flight and lane is not HEALTH and lane is not LIVENESS:
            return self._overloaded(admission)
        if lane is not INLINE and lane is not LIVENESS:
            return self._queue(Transaction(admission, body, client), lane)
        outcome = self._outcome(admission, body, may_block=False)
        if isinstance(outcome, Response):
            return outcome
        return self._settle(Transaction(admission, body, client), outcome)

    def rested(self) -> None:
        """Tell the application that no request is at hand for the moment."""
        try:
            self._application.rested()
        except Exception as error:  # noqa: BLE001 - it must not end the server
            _log.error("internal_error", "the application could not take a pause", error)

    def collect(self) -> None:
        """Answer what lanes and futures completed since the last call."""
        for transaction, complete in self.mailbox.items():
            if transaction.answered:
                continue
            self._leave(transaction)
            response = complete()
            if response is not None:
                self._answer(transaction, response)

    def sweep(self, now: float) -> None:
        """Answer those whose time is up.

        Args:
            now: The monotonic clock's seconds.
        """
        for waits in self._all_waits():
            for transaction in waits.overdue(now):
                self._answer_late(transaction)
        if self._overloads:
            _log.warning(
                "overloaded",
                f"{self._overloads} requests were refused: {self.in_hand} are in hand",
                refused=self._overloads,
            )
            self._overloads = 0

    def abandon(self) -> None:
        """Answer everyone as if their time were up."""
        self.sweep(math.inf)

    def _all_waits(self) -> tuple[Waits[Transaction], ...]:
        return (*self._lanes.values(), *self._futures.values())

    def _queue(self, transaction: Transaction, lane: Lane) -> Response | None:
        waits = self._lanes[lane]
        now = self._clock.monotonic()
        if not self._pools[lane].submit(partial(self._work, transaction, now + waits.seconds)):
            return self._overloaded(transaction.admission)
        self._join(transaction, waits, now)
        return None

    def _work(self, transaction: Transaction, due: float) -> None:
        # Called on a lane's thread; nobody waits any more for what is answered or late.
        body = transaction.body
        left = due - self._clock.monotonic()
        if transaction.answered or left <= 0:
            return
        with deadline.within(left):
            outcome = self._outcome(transaction.admission, body, may_block=True)
        self.mailbox.put((transaction, partial(self._settle, transaction, outcome)))

    def _settle(self, transaction: Transaction, outcome: Outcome) -> Response | None:
        if isinstance(outcome, Response):
            return outcome
        if isinstance(outcome, Awaiting):
            return self._await(transaction, outcome)
        if transaction.admission.lane is not INLINE or transaction.retried:
            return self._failed(_trace_id(transaction), TypeError("a lane that may block got WouldBlock"))
        transaction.retried = True
        return self._queue(transaction, Lane.STORE)

    def _outcome(self, admission: Admission, body: bytes, may_block: bool) -> Outcome:
        trace_id = admission.head.trace_id
        try:
            with logs.bound(trace_id=trace_id):
                return self._application.run(admission, body, may_block)
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the server
            return self._failed(trace_id, error)

    def _await(self, transaction: Transaction, awaiting: Awaiting) -> Response | None:
        if awaiting.future.done():
            return self._guarded(transaction, awaiting.render)
        transaction.awaiting = awaiting
        # Rounded up, so that there are few different waits however the application reckons.
        steps = max(1, math.ceil(awaiting.within * _STEPS_A_SECOND))
        waits = self._futures.get(steps)
        if waits is None:
            waits = self._futures[steps] = Waits(steps / _STEPS_A_SECOND)
        self._join(transaction, waits, self._clock.monotonic())
        awaited = partial(self._awaited, transaction)
        awaiting.future.add_done_callback(lambda _: self.mailbox.put((transaction, awaited)))
        return None

    def _awaited(self, transaction: Transaction) -> Response:
        awaiting = _let_go(transaction)
        assert awaiting is not None, "a future is done once"  # noqa: S101 - states an order
        return self._guarded(transaction, awaiting.render)

    def _answer_late(self, transaction: Transaction) -> None:
        awaiting = _let_go(transaction)
        head = transaction.admission.head
        _log.warning(
            "late",
            f"{head.method} {transaction.admission.template} got no answer in time",
            trace_id=head.trace_id,
            **path_ids(transaction.admission.parameters),
            lane=transaction.admission.lane.name.lower(),
            waiting_for="lane" if awaiting is None else "future",
        )
        late = awaiting.late if awaiting else partial(self._application.late, transaction.admission)
        self._answer(transaction, self._guarded(transaction, late))

    def _guarded(self, transaction: Transaction, make: Callable[[], Response]) -> Response:
        trace_id = _trace_id(transaction)
        try:
            with logs.bound(trace_id=trace_id):
                return make()
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the server
            return self._failed(trace_id, error)

    def _answer(self, transaction: Transaction, response: Response) -> None:
        self._leave(transaction)
        transaction.answered = True
        # In this order, because a lane looks at them in the other one; what is late may stay queued for long.
        transaction.body = b""
        try:
            transaction.client.reply(response)
        except Exception as error:  # noqa: BLE001 - one connection's fault must not end the server
            trace_id = _trace_id(transaction)
            _log.error("internal_error", "an answer could not be sent", error, trace_id=trace_id)
            transaction.client.close()

    def _join(self, transaction: Transaction, waits: Waits[Transaction], now: float) -> None:
        transaction.waits = waits
        waits.join(transaction, now)
        if transaction.admission.lane is not HEALTH:
            self.in_hand += 1

    def _leave(self, transaction: Transaction) -> None:
        if transaction.waits is None:
            return
        transaction.waits.leave(transaction)
        transaction.waits = None
        if transaction.admission.lane is not HEALTH:
            self.in_hand -= 1

    def _overloaded(self, admission: Admission) -> Response:
        self._overloads += 1
        return self._application.refuse(
            Code.OVERLOADED,
            f"The service has {self.in_hand} requests in hand; send this one again later.",
            admission.head.trace_id,
        )

    def _failed(self, trace_id: str, error: Exception) -> Response:
        _log.error("internal_error", "a request ended in a fault of the service", error, trace_id=trace_id)
        return self._application.refuse(
            Code.INTERNAL_ERROR, "The service failed; its log has more under the trace id.", trace_id
        )


def _let_go(transaction: Transaction) -> Awaiting | None:
    # A future keeps its callbacks, which know the transaction: a cycle. Left to the garbage collector, it
    # cost a tenth of a send.
    awaiting, transaction.awaiting = transaction.awaiting, None
    return awaiting


def _trace_id(transaction: Transaction) -> str:
    return transaction.admission.head.trace_id
