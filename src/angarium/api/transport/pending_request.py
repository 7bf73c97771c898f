"""One admitted request on its way to its answer."""

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
from angarium.timeout_queue import TimeoutQueue


class Client(Protocol):
    """Where an answer goes."""

    def reply(self, response: Response) -> None:
        """Send the answer of the one request in hand; does not block.

        Args:
            response: What is answered.
        """
        ...

    def close(self) -> None:
        """Give the client up."""
        ...


class PendingRequest:
    """A request in hand; all but `admission` and `body` belongs to the
    server's thread.

    Attributes:
        admission: Leave to run it.
        body: The whole body, empty once an answer was given.
        client: Whom to answer.
        user: Whose share it counts against: a user's id, or the network
            where nobody is known.
        source: The network that it comes from.
        answered: True once an answer was given; read by the lanes to
            skip what nobody waits for.
        waits: Where it waits, None while it does not.
        awaiting: What its answer depends on, None while it is in a
            lane.
        check: What is left of a login, None for any other request.
        job: Its place in a lane, None where it was in none.
        taken: Set once the server's thread has its answer; None where
            no thread waits for that.
        retried: True once it was sent to the STORE lane because it
            would have blocked.
    """

    __slots__ = (
        "admission",
        "answered",
        "awaiting",
        "body",
        "check",
        "client",
        "job",
        "retried",
        "source",
        "taken",
        "user",
        "waits",
    )

    def __init__(
        self, admission: Admission, body: bytes, client: Client, user: Hashable, source: str
    ) -> None:
        """Begin unanswered, in no lane.

        Args:
            admission: Leave to run it.
            body: The whole body.
            client: Whom to answer.
            user: Whose share it counts against.
            source: The network that it comes from.
        """
        self.admission = admission
        self.body = body
        self.client = client
        self.user = user
        self.source = source
        self.check: PasswordCheck | None = None
        self.job: Job | None = None
        self.answered = False
        self.waits: TimeoutQueue[PendingRequest] | None = None
        self.awaiting: DeferredResponse | None = None
        self.taken: Event | None = None
        self.retried = False

    @property
    def lane(self) -> ExecutionMode:
        """Tell which lane's threads run it.

        Returns:
            The admission's, or STORE where it would have blocked the
            server's thread.
        """
        return ExecutionMode.STORE if self.retried else self.admission.lane
