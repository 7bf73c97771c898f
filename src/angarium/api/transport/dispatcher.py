"""Running requests: at once, on a lane, or when a future is done; never
longer than they are given.
"""

import math
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from threading import Event

from angarium import deadline, logs
from angarium.api.interface import (
    Admission,
    Application,
    DeferredResponse,
    ExecutionMode,
    Head,
    Outcome,
    PasswordCheck,
    Refusal,
    Response,
)
from angarium.api.path_ids import path_ids
from angarium.api.transport.fair_queue import FairQueue, Job
from angarium.api.transport.limits import LARGE_ANSWER, ServerLimits
from angarium.api.transport.pending_request import Client, PendingRequest
from angarium.api.transport.shares import Shares
from angarium.api.transport.thread_pool import ThreadPool
from angarium.api.transport.wakeup_queue import WakeupQueue
from angarium.clock import Clock
from angarium.domain.errors import Code
from angarium.domain.ip_addresses import client_key
from angarium.logs.repeats import Tally
from angarium.timeout_queue import TimeoutQueue

CLOSING_PATIENCE = 1.0
"""Seconds for the lanes' threads to end after the last answer."""
HANDOVER_SECONDS = 10.0
"""A server's thread that takes nothing for so long is not waited
for.
"""
_STEPS_A_SECOND = 10

# Looking a member up on its class costs more than all that is done with
# it here.
INLINE = ExecutionMode.INLINE
HASHING = ExecutionMode.HASHING
HEALTH = ExecutionMode.HEALTH
LIVENESS = ExecutionMode.LIVENESS

_UNBOUNDED = frozenset((HASHING, HEALTH, LIVENESS))
"""The lanes of requests that do not count as in hand: they have bounds
of their own.
"""

HASHING_NICENESS = 5
"""How far a thread that hashes stands back: it weighs a third of the
others where the cores are taken, so that logins are slower then, and
sends are not. A tenth let logins wait for seconds on a busy machine.
"""

Completion = tuple[PendingRequest, Callable[[], Response | None]]

_log = logs.get("angarium.api.transport.dispatcher")


class Dispatcher:
    """Runs requests for the server's thread, which calls everything
    here.

    Attributes:
        mailbox: What lanes and futures completed, for `collect`.
    """

    def __init__(self, application: Application, limits: ServerLimits, clock: Clock) -> None:
        self._application = application
        self._limits = limits
        self._clock = clock
        self.mailbox: WakeupQueue[Completion] = WakeupQueue()
        self._shares = Shares(limits.max_in_flight)
        self._overloads, self._login_overloads = Tally(), Tally()
        # An outage makes all late that it does not refuse.
        self._repeats = logs.Repeats(clock.monotonic)
        self._pools = _pools(limits)
        self._lanes: Mapping[ExecutionMode, TimeoutQueue[PendingRequest]] = {
            ExecutionMode.STORE: TimeoutQueue(limits.store_timeout),
            ExecutionMode.HASHING: TimeoutQueue(limits.hashing_timeout),
            ExecutionMode.HEALTH: TimeoutQueue(limits.health_timeout),
        }
        self._futures: dict[int, TimeoutQueue[PendingRequest]] = {}
        self._closed = False

    @property
    def in_hand(self) -> int:
        """Count the requests without an answer yet.

        Returns:
            How many count against the bound.
        """
        return self._shares.total

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
        self._closed = True
        for completion in self.mailbox.items():
            _note_taken(completion[0])
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
        """Ask the application for the answer to a fault that the server
        found.

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
        user, source = _parties(admission)
        if lane not in _UNBOUNDED and not (
            self._shares.has_room(user, source) or self._make_room(user)
        ):
            return self.overloaded(admission)
        if lane is ExecutionMode.STORE or lane is HEALTH:
            return self._queue(PendingRequest(admission, body, client, user, source), lane)
        outcome = self._outcome(admission, body, may_block=False)
        if isinstance(outcome, Response):
            return outcome
        return self._settle(PendingRequest(admission, body, client, user, source), outcome)

    def overloaded(self, admission: Admission) -> Response:
        """Refuse a request for want of room.

        Args:
            admission: What `admit` gave.

        Returns:
            503 `overloaded`.
        """
        if admission.lane is HASHING:
            self._login_overloads.add()
            detail = (
                "Too many logins are waiting, in all or from this address; log in again later."
            )
        else:
            self._overloads.add()
            detail = f"The service has {self.in_hand} requests in hand; send this one again later."
        return self._application.refuse(Code.OVERLOADED, detail, admission.head.trace_id)

    def rested(self) -> None:
        """Tell the application that no request is at hand for the
        moment.
        """
        try:
            self._application.rested()
        except Exception as error:  # noqa: BLE001 - it must not end the server
            _log.error("internal_error", "the application could not take a pause", error)

    def collect(self) -> None:
        """Answer what lanes and futures completed since the last
        call.
        """
        for transaction, complete in self.mailbox.items():
            _note_taken(transaction)
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
            for transaction in waits.pop_expired(now):
                self._answer_late(transaction)
        self.report(now)

    def report(self, now: float) -> None:
        """Write the lines that sum up what repeats.

        Args:
            now: The monotonic clock's seconds; infinity where there
                will be no later moment.
        """
        refused = self._overloads.due(now)
        if refused:
            _log.warning(
                "overloaded",
                f"{refused} requests were refused: too many were in hand, or of one user or "
                "address",
                refused=refused,
                in_hand=self.in_hand,
            )
        logins = self._login_overloads.due(now)
        if logins:
            _log.warning(
                "overloaded",
                f"{logins} logins were refused: too many waited for their hash, in all or of one "
                "address",
                refused=logins,
                path="/auth/token",
            )
        try:
            self._application.report(now == math.inf)
        except Exception as error:  # noqa: BLE001 - it must not end the server
            _log.error("internal_error", "the application could not sum up its lines", error)

    def abandon(self) -> None:
        """Answer everyone as if their time were up."""
        self.sweep(math.inf)

    def _all_waits(self) -> tuple[TimeoutQueue[PendingRequest], ...]:
        return (*self._lanes.values(), *self._futures.values())

    def _queue(self, transaction: PendingRequest, lane: ExecutionMode) -> Response | None:
        waits = self._lanes[lane]
        now = self._clock.monotonic()
        user = transaction.source if lane is HASHING else transaction.user
        work = partial(self._work, transaction, now + waits.seconds)
        transaction.job = Job(work, user, transaction.source, transaction)
        displaced = self._pools[lane].submit(transaction.job)
        if displaced is transaction.job:
            return self._turned_away(transaction)
        self._join(transaction, waits, now)
        if displaced is not None:
            self._turn_away(displaced)
        return None

    def _work(self, transaction: PendingRequest, due: float) -> None:
        # Called on a lane's thread; nobody waits any more for what is
        # answered or late.
        body, check = transaction.body, transaction.check
        left = due - self._clock.monotonic()
        if transaction.answered or left <= 0:
            _abandon(transaction)
            return
        with deadline.within(left):
            outcome = (
                check.run()
                if check
                else self._outcome(transaction.admission, body, may_block=True)
            )
        self._hand_over(transaction, outcome)

    def _hand_over(self, transaction: PendingRequest, outcome: Outcome) -> None:
        """Give the server's thread what a lane's thread has made, and
        wait until it has taken a large answer.

        So no thread makes a second one while the first is counted
        nowhere.
        """
        taken: Event | None = None
        if isinstance(outcome, Response) and len(outcome.body) > LARGE_ANSWER:
            taken = transaction.taken = Event()
        self.mailbox.put((transaction, partial(self._settle, transaction, outcome)))
        # In this order: `close` lets go whom it finds, and whoever
        # comes later finds it closed.
        if taken is not None and not self._closed:
            taken.wait(HANDOVER_SECONDS)

    def _make_room(self, user: Hashable) -> bool:
        """Return whether somebody who has more in hand than this user
        gave one up that waits for a thread.
        """
        displaced = self._pools[ExecutionMode.STORE].displace(self._shares.of(user) + 1)
        if displaced is not None:
            self._turn_away(displaced)
        return displaced is not None

    def _turn_away(self, displaced: Job) -> None:
        """Answer a request that made room for somebody else's."""
        transaction = displaced.owner
        assert isinstance(transaction, PendingRequest), "every job here is of one"  # noqa: S101 - states a type
        self._leave(transaction)
        # With the next round, because its client may go on at once to
        # another request.
        self.mailbox.put((transaction, partial(self._turned_away, transaction)))

    def _turned_away(self, transaction: PendingRequest) -> Response:
        transaction.job = None
        _abandon(transaction)
        return self.overloaded(transaction.admission)

    def _settle(self, transaction: PendingRequest, outcome: Outcome) -> Response | None:
        if isinstance(outcome, Response):
            return outcome
        if isinstance(outcome, DeferredResponse):
            return self._await(transaction, outcome)
        if isinstance(outcome, PasswordCheck):
            transaction.check = outcome
            return self._queue(transaction, HASHING)
        if transaction.admission.lane is not INLINE or transaction.retried:
            return self._failed(
                _trace_id(transaction), TypeError("a lane that may block got WouldBlock")
            )
        transaction.retried = True
        return self._queue(transaction, ExecutionMode.STORE)

    def _outcome(self, admission: Admission, body: bytes, may_block: bool) -> Outcome:
        trace_id = admission.head.trace_id
        try:
            with logs.bound(trace_id=trace_id):
                return self._application.run(admission, body, may_block)
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the server
            return self._failed(trace_id, error)

    def _await(self, transaction: PendingRequest, awaiting: DeferredResponse) -> Response | None:
        if awaiting.future.done():
            return self._guarded(transaction, awaiting.render)
        transaction.awaiting = awaiting
        # What is left to do needs it no more, and waits for two seconds
        # where the log is slow.
        transaction.body = b""
        # Rounded up, so that there are few different waits however the
        # application reckons.
        steps = max(1, math.ceil(awaiting.within * _STEPS_A_SECOND))
        waits = self._futures.get(steps)
        if waits is None:
            waits = self._futures[steps] = TimeoutQueue(steps / _STEPS_A_SECOND)
        self._join(transaction, waits, self._clock.monotonic())
        awaited = partial(self._awaited, transaction)
        awaiting.future.add_done_callback(lambda _: self.mailbox.put((transaction, awaited)))
        return None

    def _awaited(self, transaction: PendingRequest) -> Response:
        awaiting = _let_go(transaction)
        assert awaiting is not None, "a future is done once"  # noqa: S101 - states an order
        return self._guarded(transaction, awaiting.render)

    def _answer_late(self, transaction: PendingRequest) -> None:
        awaiting = _let_go(transaction)
        head = transaction.admission.head
        if transaction.job is not None and self._pools[transaction.lane].withdraw(transaction.job):
            _abandon(transaction)
        _log.limited_warning(
            self._repeats,
            "late",
            f"{head.method} {transaction.admission.template} got no answer in time",
            trace_id=head.trace_id,
            **path_ids(transaction.admission.parameters),
            lane=transaction.admission.lane.name.lower(),
            waiting_for="lane" if awaiting is None else "future",
        )
        late = (
            awaiting.late if awaiting else partial(self._application.late, transaction.admission)
        )
        self._answer(transaction, self._guarded(transaction, late))

    def _guarded(self, transaction: PendingRequest, make: Callable[[], Response]) -> Response:
        trace_id = _trace_id(transaction)
        try:
            with logs.bound(trace_id=trace_id):
                return make()
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the server
            return self._failed(trace_id, error)

    def _answer(self, transaction: PendingRequest, response: Response) -> None:
        self._leave(transaction)
        transaction.answered = True
        # In this order, because a lane looks at them in the other one;
        # what is late may stay queued for long.
        transaction.body = b""
        try:
            transaction.client.reply(response)
        except Exception as error:  # noqa: BLE001 - one connection's fault must not end the server
            trace_id = _trace_id(transaction)
            _log.error("internal_error", "an answer could not be sent", error, trace_id=trace_id)
            transaction.client.close()

    def _join(
        self, transaction: PendingRequest, waits: TimeoutQueue[PendingRequest], now: float
    ) -> None:
        transaction.waits = waits
        waits.add(transaction, now)
        if transaction.admission.lane not in _UNBOUNDED:
            self._shares.add(transaction.user, transaction.source)

    def _leave(self, transaction: PendingRequest) -> None:
        if transaction.waits is None:
            return
        transaction.waits.remove(transaction)
        transaction.waits = None
        # A job knows its transaction: a cycle, as below.
        transaction.job = None
        if transaction.admission.lane not in _UNBOUNDED:
            self._shares.remove(transaction.user, transaction.source)

    def _failed(self, trace_id: str, error: Exception) -> Response:
        _log.error(
            "internal_error", "a request ended in a fault of the service", error, trace_id=trace_id
        )
        return self._application.refuse(
            Code.INTERNAL_ERROR,
            "The service failed; its log has more under the trace id.",
            trace_id,
        )


def _pools(limits: ServerLimits) -> Mapping[ExecutionMode, ThreadPool]:
    """Return the lanes' threads, each with a queue of its own."""
    most = limits.max_in_flight
    store = FairQueue(most, most, limits.store_threads_of_user)
    hashing = FairQueue(limits.max_logins, limits.logins_of_address, limits.hashing_threads)
    health = FairQueue(most, most, limits.health_threads)
    return {
        ExecutionMode.STORE: ThreadPool("store", limits.store_threads, store),
        ExecutionMode.HASHING: ThreadPool(
            "hashing", limits.hashing_threads, hashing, HASHING_NICENESS
        ),
        ExecutionMode.HEALTH: ThreadPool("health", limits.health_threads, health),
    }


def _parties(admission: Admission) -> tuple[Hashable, str]:
    """Return whose a request is, and its network; the network twice,
    where nobody proved who they are.
    """
    source = client_key(admission.client)
    return (source if admission.principal is None else admission.principal.user_id), source


def _abandon(transaction: PendingRequest) -> None:
    """Take a login back that is never compared."""
    check, transaction.check = transaction.check, None
    if check is not None:
        check.abandon()


def _let_go(transaction: PendingRequest) -> DeferredResponse | None:
    # A future keeps its callbacks, which know the transaction: a cycle.
    # Left to the garbage collector, it cost a tenth of a send.
    awaiting, transaction.awaiting = transaction.awaiting, None
    return awaiting


def _note_taken(transaction: PendingRequest) -> None:
    """Let the thread go on that has made a large answer."""
    if transaction.taken is not None:
        transaction.taken.set()


def _trace_id(transaction: PendingRequest) -> str:
    return transaction.admission.head.trace_id
