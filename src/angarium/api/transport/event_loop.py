"""What a connection asks of the server that owns it."""

from typing import Protocol, TypeVar

from angarium.api.cors import CorsPolicy
from angarium.api.transport.connection_table import ConnectionTable
from angarium.api.transport.dispatcher import Dispatcher
from angarium.api.transport.head_cache import HeadCache
from angarium.api.transport.limits import ServerLimits
from angarium.api.transport.memory_budget import MemoryBudget
from angarium.api.transport.response_writer import ResponseEncoder
from angarium.clock import Clock
from angarium.timeout_queue import TimeoutQueue

Owned = TypeVar("Owned")


class EventLoop(Protocol[Owned]):
    """A server, as its connections see it; every call comes from its
    thread.

    Attributes:
        limits: The bounds of what is held and waited for.
        clock: Tells the time.
        now: The monotonic clock's seconds when the loop came round
            last.
        slice_ends: The monotonic clock's seconds at which it looks who
            else is ready.
        dispatcher: Runs requests.
        encoder: Makes bytes of answers.
        heads: Takes requests' heads apart.
        cors: Makes the header fields for web pages on every answer;
            None where none may call.
        holdings: Bytes of requests and answers that connections hold.
        connections: All of them, by address.
        stopping: True when every answer must close its connection.
        idle: Connections between two requests.
        reading: Connections in the middle of a request.
        writing: Connections whose client reads slowly.
        lingering: Connections whose last answer is out.
    """

    limits: ServerLimits
    clock: Clock
    now: float
    slice_ends: float
    dispatcher: Dispatcher
    encoder: ResponseEncoder
    heads: HeadCache
    cors: CorsPolicy | None
    holdings: MemoryBudget[Owned]
    connections: ConnectionTable[Owned]
    stopping: bool
    idle: TimeoutQueue[Owned]
    reading: TimeoutQueue[Owned]
    writing: TimeoutQueue[Owned]
    lingering: TimeoutQueue[Owned]

    def watch(self, connection: Owned, before: int, events: int) -> None:
        """Wake a connection at other events than before.

        Args:
            connection: To be told by `ready`.
            before: The events it was woken at, 0 for none.
            events: The selector's mask, 0 for none.
        """
        ...

    def call_again(self, connection: Owned) -> None:
        """Call a connection's `ready` once others have had their turn.

        Args:
            connection: Has more requests at hand.
        """
        ...

    def forget(self, connection: Owned) -> None:
        """Forget a closed connection.

        Args:
            connection: Whose socket is closed.
        """
        ...
