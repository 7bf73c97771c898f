"""Runs requests: at once, in a thread pool, or when a future completes.

Each request has a time limit, whatever it waits for (docs/adr/0007).
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
    Outcome,
    PasswordCheck,
    Response,
    ResumeOnLoop,
)
from angarium.api.path_ids import path_ids
from angarium.api.transport.fair_queue import Job
from angarium.api.transport.guarded_application import GuardedApplication
from angarium.api.transport.limits import LARGE_ANSWER, ServerLimits
from angarium.api.transport.overload_log import OverloadLog
from angarium.api.transport.pending_request import Client, PendingRequest, parties_of
from angarium.api.transport.shares import Shares
from angarium.api.transport.thread_pool import make_pools
from angarium.api.transport.wakeup_queue import WakeupQueue
from angarium.clock import Clock
from angarium.domain.errors import Code
from angarium.timeout_queue import TimeoutQueue

CLOSE_TIMEOUT_S = 1.0
"""How long a stop waits for the pools' threads after the last response.
One that hangs in a driver is left behind; it ends with the process.
"""
HANDOVER_TIMEOUT_S = 10.0
"""How long a thread waits until the event loop takes a large response.
The loop comes round every 50 ms; one that has not for 10 s has failed.
"""
_STEPS_A_SECOND = 10
"""Time limits of futures are rounded up to tenths of a second, so that
few `TimeoutQueue`s are enough for all of them.
"""

# Looking a member up on its class costs more than all that is done with
# it here.
INLINE = ExecutionMode.INLINE
HASHING = ExecutionMode.HASHING
HEALTH = ExecutionMode.HEALTH
LIVENESS = ExecutionMode.LIVENESS

_UNCOUNTED = frozenset((HASHING, HEALTH, LIVENESS))
"""Requests that do not count as concurrent ones: logins and health
checks have limits of their own.
"""

Completion = tuple[PendingRequest, Callable[[], Response | None]]
"""A request, and what makes its response on the event loop's thread."""

_log = logs.get("angarium.api.transport")


class Dispatcher:
    """Runs requests; every method is called by the event loop's thread.

    Attributes:
        application: The application; no call to it raises.
        completions: What pools and futures have completed; `collect`
            takes it.
    """

    def __init__(self, application: Application, limits: ServerLimits, clock: Clock) -> None:
        """Set up pools and queues; `start` starts the threads.

        Args:
            application: Admits and runs requests.
            limits: Sizes of pools and queues, and time limits.
            clock: Measures the time limits.
        """
        self.application = GuardedApplication(application)
        self._clock = clock
        self.completions: WakeupQueue[Completion] = WakeupQueue()
        self._shares = Shares(limits.max_in_flight)
        self._overloads = OverloadLog()
        # In an outage every request that is not refused is late.
        self._repeats = logs.Repeats(clock.monotonic)
        self._pools = make_pools(limits)
        self._pool_timeouts: Mapping[ExecutionMode, TimeoutQueue[PendingRequest]] = {
            ExecutionMode.STORE: TimeoutQueue(limits.store_timeout_s),
            ExecutionMode.HASHING: TimeoutQueue(limits.hashing_timeout_s),
            ExecutionMode.HEALTH: TimeoutQueue(limits.health_timeout_s),
        }
        self._future_timeouts: dict[int, TimeoutQueue[PendingRequest]] = {}
        self._closed = False

    @property
    def in_flight(self) -> int:
        """Concurrent requests, of which there is a maximum."""
        return self._shares.total

    @property
    def busy(self) -> bool:
        """True while any request has no response, counted or not."""
        return any(self._timeout_queues())

    def start(self) -> None:
        """Start the pools' threads."""
        for pool in self._pools.values():
            pool.start()

    def close(self) -> None:
        """End the pools' threads, within CLOSE_TIMEOUT_S each."""
        self._closed = True
        for completion in self.completions.items():
            completion[0].mark_taken()
        for pool in self._pools.values():
            pool.close(CLOSE_TIMEOUT_S)
        self.completions.close()

    def run(self, admission: Admission, body: bytes, client: Client) -> Response | None:
        """Start a request.

        Args:
            admission: The application's decision about its head.
            body: The whole body.
            client: Gets the response if it comes later.

        Returns:
            The response; None if the client gets it later.
        """
        mode = admission.mode
        user, source = parties_of(admission)
        if mode not in _UNCOUNTED and not (
            self._shares.has_room(user, source) or self._evict_queued(user)
        ):
            return self.refuse_overload(admission)
        if mode is ExecutionMode.STORE or mode is HEALTH:
            return self._queue(PendingRequest(admission, body, client, user, source), mode)
        outcome = self.application.run(admission, body, may_block=False)
        if isinstance(outcome, Response):
            return outcome
        return self._continue(PendingRequest(admission, body, client, user, source), outcome)

    def refuse_overload(self, admission: Admission) -> Response:
        """Refuse a request because there is no room, and count that.

        Args:
            admission: The application's decision about its head.

        Returns:
            503 `overloaded`.
        """
        if admission.mode is HASHING:
            self._overloads.add_login()
            detail = (
                "Too many logins are waiting, in all or from this address; log in again later."
            )
        else:
            self._overloads.add_request()
            detail = (
                f"The service has {self.in_flight} concurrent requests; send this one again later."
            )
        return self.application.refuse(Code.OVERLOADED, detail, admission.head.trace_id)

    def collect(self) -> None:
        """Send the responses of what has completed since the last call.

        See docs/how/event-loop-wakeup.md.
        """
        for request, complete in self.completions.items():
            request.mark_taken()
            if request.answered:
                continue
            self._leave(request)
            response = complete()
            if response is not None:
                self._answer(request, response)

    def sweep(self, now: float, is_over: Callable[[], bool]) -> bool:
        """Answer requests whose time is up, and log what is due.

        Args:
            now: Seconds of the monotonic clock.
            is_over: Asked after each; true leaves the others waiting,
                but for one of each time limit.

        Returns:
            True if there are more.
        """
        queues = self._timeout_queues()
        for queue in queues:
            for request in queue.pop_expired(now, is_over):
                self._answer_late(request)
        self.report(now)
        return any(queue.is_due(now) for queue in queues)

    def report(self, now: float) -> None:
        """Log the totals of what repeats.

        Args:
            now: Seconds of the monotonic clock; infinity for the last
                report before the server ends.
        """
        self._overloads.report(now, self.in_flight)
        self.application.report(now)

    def abandon(self) -> None:
        """Answer all requests as if their time were up."""
        self.sweep(math.inf, lambda: False)

    def _timeout_queues(self) -> tuple[TimeoutQueue[PendingRequest], ...]:
        """Return every queue in which a request may wait."""
        return (*self._pool_timeouts.values(), *self._future_timeouts.values())

    def _queue(self, request: PendingRequest, mode: ExecutionMode) -> Response | None:
        """Return None if a thread pool takes a request, else 503."""
        queue = self._pool_timeouts[mode]
        now = self._clock.monotonic()
        flow = request.source if mode is HASHING else request.user
        work = partial(self._work, request, now + queue.seconds)
        request.job = Job(work, flow, request.source, request)
        displaced = self._pools[mode].submit(request.job)
        if displaced is request.job:
            return self._refuse_displaced(request)
        self._enter(request, queue, now)
        if displaced is not None:
            self._displace(displaced)
        return None

    def _work(self, request: PendingRequest, due: float) -> None:
        """Run a request on a pool's thread, unless it is too late."""
        body, check = request.body, request.check
        left = due - self._clock.monotonic()
        if request.answered or left <= 0:
            request.abandon_login()
            return
        with deadline.within(left):
            outcome = (
                check.run()
                if check
                else self.application.run(request.admission, body, may_block=True)
            )
        self._hand_over(request, outcome)

    def _hand_over(self, request: PendingRequest, outcome: Outcome) -> None:
        """Give the event loop what a pool's thread has made.

        Waits until a large response was taken, so that no thread makes
        a second one while the first is counted nowhere.
        """
        taken: Event | None = None
        if isinstance(outcome, Response) and len(outcome.body) > LARGE_ANSWER:
            taken = request.taken = Event()
        self.completions.put((request, partial(self._continue, request, outcome)))
        # In this order: `close` releases the threads that it finds, and
        # a thread that comes later finds it closed.
        if taken is not None and not self._closed:
            taken.wait(HANDOVER_TIMEOUT_S)

    def _evict_queued(self, user: Hashable) -> bool:
        """Return whether a user with more requests gave one up.

        Only a request that still waits for a thread can be given up.
        """
        displaced = self._pools[ExecutionMode.STORE].displace(self._shares.of(user) + 1)
        if displaced is not None:
            self._displace(displaced)
        return displaced is not None

    def _displace(self, job: Job) -> None:
        """Refuse a queued request that made room for another one."""
        request = job.owner
        assert isinstance(request, PendingRequest), "every job here is of one"  # noqa: S101 - states a type
        self._leave(request)
        # In the next round of `collect`, because its connection may
        # start another request at once.
        self.completions.put((request, partial(self._refuse_displaced, request)))

    def _refuse_displaced(self, request: PendingRequest) -> Response:
        """Return the response to a request that lost its place."""
        request.job = None
        request.abandon_login()
        return self.refuse_overload(request.admission)

    def _continue(self, request: PendingRequest, outcome: Outcome) -> Response | None:
        """Do what the application's outcome asks for.

        Returns:
            The response; None if it comes later.
        """
        if isinstance(outcome, Response):
            return outcome
        if isinstance(outcome, DeferredResponse):
            return self._defer(request, outcome)
        if isinstance(outcome, ResumeOnLoop):
            rest = self.application.render(request.trace_id, outcome.run)
            return self._continue(request, rest)
        if isinstance(outcome, PasswordCheck):
            request.check = outcome
            return self._queue(request, HASHING)
        if request.admission.mode is not INLINE or request.retried:
            error = TypeError("a thread that may block got WouldBlock")
            return self.application.respond_to_fault(request.trace_id, error)
        request.retried = True
        return self._queue(request, ExecutionMode.STORE)

    def _defer(self, request: PendingRequest, deferred: DeferredResponse) -> Response | None:
        """Return the response if its future is done, else None.

        The future calls back; no thread waits for it.
        """
        if deferred.future.done():
            return self.application.render(request.trace_id, deferred.render)
        request.deferred = deferred
        # Nothing reads it any more, and a slow log takes seconds.
        request.body = b""
        steps = max(1, math.ceil(deferred.timeout_s * _STEPS_A_SECOND))
        queue = self._future_timeouts.get(steps)
        if queue is None:
            queue = self._future_timeouts[steps] = TimeoutQueue(steps / _STEPS_A_SECOND)
        self._enter(request, queue, self._clock.monotonic())
        complete = partial(self._render_deferred, request)
        deferred.future.add_done_callback(lambda _: self.completions.put((request, complete)))
        return None

    def _render_deferred(self, request: PendingRequest) -> Response:
        """Return the response of a request whose future is done."""
        deferred = request.release_future()
        assert deferred is not None, "a future is done once"  # noqa: S101 - states an order
        return self.application.render(request.trace_id, deferred.render)

    def _answer_late(self, request: PendingRequest) -> None:
        """Answer a request whose time is up, and take its job back."""
        deferred = request.release_future()
        head = request.admission.head
        if request.job is not None and self._pools[request.mode].withdraw(request.job):
            request.abandon_login()
        _log.limited_warning(
            self._repeats,
            "late",
            f"{head.method} {request.admission.template} got no answer in time",
            trace_id=head.trace_id,
            **path_ids(request.admission.parameters),
            lane=request.admission.mode.name.lower(),
            waiting_for="lane" if deferred is None else "future",
        )
        if deferred is None:
            response = self.application.late(request.admission)
        else:
            response = self.application.render(head.trace_id, deferred.late)
        self._answer(request, response)

    def _answer(self, request: PendingRequest, response: Response) -> None:
        """Send a response, or close the connection if that fails."""
        self._leave(request)
        request.answered = True
        # In this order, because a pool's thread reads them in the other
        # one. A late request's job may stay queued for long.
        request.body = b""
        try:
            request.client.reply(response)
        except Exception as error:  # noqa: BLE001 - one connection's fault must not end the server
            _log.error(
                "internal_error", "an answer could not be sent", error, trace_id=request.trace_id
            )
            request.client.close()

    def _enter(
        self, request: PendingRequest, queue: TimeoutQueue[PendingRequest], now: float
    ) -> None:
        """Start a request's time limit, and count it."""
        request.timeout_queue = queue
        queue.add(request, now)
        if request.admission.mode not in _UNCOUNTED:
            self._shares.add(request.user, request.source)

    def _leave(self, request: PendingRequest) -> None:
        """End a request's time limit, and count it no longer."""
        if request.timeout_queue is None:
            return
        request.timeout_queue.remove(request)
        request.timeout_queue = None
        # A job knows its request: a reference cycle, as with futures.
        request.job = None
        if request.admission.mode not in _UNCOUNTED:
            self._shares.remove(request.user, request.source)
