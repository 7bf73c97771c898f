"""One admitted request on its way to its answer."""

from typing import Protocol

from angarium.api.exchange import Admission, Awaiting, Response
from angarium.api.transport.deadlines import Waits


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


class Transaction:
    """A request in hand; all but `admission` and `body` belongs to the server's thread.

    Attributes:
        admission: Leave to run it.
        body: The whole body, empty once an answer was given.
        client: Whom to answer.
        answered: True once an answer was given; read by the lanes to skip what nobody waits for.
        waits: Where it waits, None while it does not.
        awaiting: What its answer depends on, None while it is in a lane.
        retried: True once it was sent to the STORE lane because it would have blocked.
    """

    __slots__ = ("admission", "answered", "awaiting", "body", "client", "retried", "waits")

    def __init__(self, admission: Admission, body: bytes, client: Client) -> None:
        self.admission = admission
        self.body = body
        self.client = client
        self.answered = False
        self.waits: Waits[Transaction] | None = None
        self.awaiting: Awaiting | None = None
        self.retried = False
