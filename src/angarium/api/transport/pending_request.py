"""One admitted request on its way to its response."""

from collections.abc import Hashable
from threading import Event
from typing import Protocol

from angarium.api.interface import (
    Admission,
    DeferredResponse,
    ExecutionMode,
    PasswordCheck,
    Response,
)
from angarium.api.transport.fair_queue import Job
from angarium.domain.ip_addresses import client_key
from angarium.timeout_queue import TimeoutQueue


class Client(Protocol):
    """Where a response goes: a connection."""

    def reply(self, response: Response) -> None:
        """Send the response to the current request; never blocks.

        Args:
            response: To be written before any later response.
        """
        ...

    def close(self) -> None:
        """Close the connection without a response."""
        ...


class PendingRequest:
    """A request that has no response yet.

    All but `admission` and `body` belongs to the event loop's thread.

    Attributes:
        admission: The application's decision to run it.
        body: The whole body; empty once there is a response.
        client: The connection that gets the response.
        user: Whose share it counts against: a user's id, or the network
            where no user is known.
        source: The network that it comes from.
        answered: True once there is a response; the pool's threads read
            it and skip such requests.
        timeout_queue: The queue of its time limit, None outside one.
        deferred: The future that its response depends on, None while it
            is in a thread pool.
        check: The rest of a login, None for any other request.
        job: Its entry in a thread pool's queue, None outside one.
        taken: Set once the event loop has its response; None unless a
            thread waits for that.
        retried: True once it was moved to the STORE pool, because it
            would have blocked the event loop.
    """

    __slots__ = (
        "admission",
        "answered",
        "body",
        "check",
        "client",
        "deferred",
        "job",
        "retried",
        "source",
        "taken",
        "timeout_queue",
        "user",
    )

    def __init__(
        self, admission: Admission, body: bytes, client: Client, user: Hashable, source: str
    ) -> None:
        """Start without a response, in no queue; see the attributes."""
        self.admission = admission
        self.body = body
        self.client = client
        self.user = user
        self.source = source
        self.check: PasswordCheck | None = None
        self.job: Job | None = None
        self.answered = False
        self.timeout_queue: TimeoutQueue[PendingRequest] | None = None
        self.deferred: DeferredResponse | None = None
        self.taken: Event | None = None
        self.retried = False

    @property
    def mode(self) -> ExecutionMode:
        """Where it runs: the admission's mode, or STORE on a retry."""
        return ExecutionMode.STORE if self.retried else self.admission.mode

    @property
    def trace_id(self) -> str:
        """The id that its log lines and its response carry."""
        return self.admission.head.trace_id

    def abandon_login(self) -> None:
        """Take back a login whose password will not be checked.

        It counts as an attempt in progress until then
        (docs/adr/0011).
        """
        check, self.check = self.check, None
        if check is not None:
            check.abandon()

    def release_future(self) -> DeferredResponse | None:
        """Forget the future, so that no reference cycle is left.

        A future keeps its callbacks, and these know this request. Left
        to the garbage collector, the cycle cost a tenth of a send.

        Returns:
            What it waited for, None if there was no future.
        """
        deferred, self.deferred = self.deferred, None
        return deferred

    def mark_taken(self) -> None:
        """Let the thread go on that has made a large response."""
        if self.taken is not None:
            self.taken.set()


def parties_of(admission: Admission) -> tuple[Hashable, str]:
    """Return whose share a request counts against.

    Args:
        admission: The application's decision to run it.

    Returns:
        The user's id and the network that it comes from; the network
        twice where no token proved a user.
    """
    source = client_key(admission.client)
    return (source if admission.principal is None else admission.principal.user_id), source
