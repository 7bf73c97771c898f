"""Which sockets wake the event loop, and at which events.

A selector reports a socket at each look for as long as it is ready.
While many connections wait for their turn, listing them again takes
longer than serving some of them. So a connection that waits is set
aside until its turn (docs/adr/0007).
"""

import selectors
import socket
from typing import Generic, Protocol, TypeVar


class Watched(Protocol):
    """Whose socket is watched.

    Attributes:
        connection: The socket.
    """

    connection: socket.socket


Owner = TypeVar("Owner", bound=Watched)


class SocketWatch(Generic[Owner]):
    """The sockets of connections in a selector; used by one thread."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        """Start without connections.

        Args:
            selector: Reports who is ready; others use it as well.
        """
        self._selector = selector
        self._aside: dict[Owner, int] = {}

    def watch(self, owner: Owner, before: int, events: int) -> None:
        """Change the events at which a connection is reported.

        Args:
            owner: Has the socket; reported as the key's data.
            before: The mask so far, 0 for none.
            events: The mask from now on, 0 for none.
        """
        if owner in self._aside:
            self._aside[owner] = events
        elif not events:
            self._selector.unregister(owner.connection)
        elif before:
            self._selector.modify(owner.connection, events, owner)
        else:
            self._selector.register(owner.connection, events, owner)

    def set_aside(self, owner: Owner) -> None:
        """Report a connection no more until its turn.

        Args:
            owner: Was reported just now.
        """
        self._aside[owner] = self._selector.unregister(owner.connection).events

    def resume(self, owner: Owner) -> None:
        """Report a connection again, because it is its turn.

        Args:
            owner: Nothing changes if it was not set aside.
        """
        events = self._aside.pop(owner, 0)
        if events:
            self._selector.register(owner.connection, events, owner)
