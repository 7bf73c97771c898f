"""What a connection needs of the server that owns it.

A protocol, because `server.py` imports `connection.py`: the other
direction would be a circle.
"""

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
    """The server, as its connections see it.

    Everything here is used by the event loop's thread only.

    Attributes:
        limits: All sizes and time limits.
        clock: Measures the time limits.
        now: Seconds of the monotonic clock when the loop last woke up.
        slice_ends: When the loop looks who else is ready, in seconds of
            the monotonic clock.
        dispatcher: Runs requests.
        encoder: Makes the bytes of responses.
        heads: Parses requests' heads.
        receive_buffer: What every connection receives into, and copies
            from at once. A new one for each call would be returned to
            the system each time (docs/adr/0022-cost-of-a-send.md).
        cors: Adds header fields for web pages to every response; None
            where no page of another origin may call.
        memory: Limits the bytes of requests and responses that all
            connections hold.
        connections: All open connections, by address.
        stopping: True if every response must close its connection.
        idle: Connections between two requests.
        reading: Connections in the middle of a request.
        writing: Connections whose client reads slowly.
        lingering: Connections whose last response was sent.
    """

    limits: ServerLimits
    clock: Clock
    now: float
    slice_ends: float
    dispatcher: Dispatcher
    encoder: ResponseEncoder
    heads: HeadCache
    receive_buffer: memoryview
    cors: CorsPolicy | None
    memory: MemoryBudget[Owned]
    connections: ConnectionTable[Owned]
    stopping: bool
    idle: TimeoutQueue[Owned]
    reading: TimeoutQueue[Owned]
    writing: TimeoutQueue[Owned]
    lingering: TimeoutQueue[Owned]

    def watch(self, connection: Owned, before: int, events: int) -> None:
        """Change the events of a socket that wake its connection.

        Args:
            connection: Its `ready` is called at these events.
            before: The selector's mask so far, 0 for none.
            events: The selector's mask from now on, 0 for none.
        """
        ...

    def call_again(self, connection: Owned) -> None:
        """Call a connection's `ready` once others have had their turn.

        Args:
            connection: Has received more requests already.
        """
        ...

    def forget(self, connection: Owned) -> None:
        """Remove a closed connection.

        Args:
            connection: Its socket is closed.
        """
        ...
