"""How many bytes of requests and answers all connections hold
together.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Generic, TypeVar

from angarium import logs
from angarium.logs.repeats import Tally
from angarium.timeout_queue import TimeoutQueue

Holder = TypeVar("Holder")

_log = logs.get("angarium.api.transport.memory_budget")


class MemoryBudget(Generic[Holder]):
    """Adds up what connections hold; whoever waits longest for its
    client makes room where that is too much.

    Attributes:
        held: Bytes in all.
    """

    __slots__ = ("_ended", "_make_room", "_making_room", "_most", "_waits", "held")

    def __init__(
        self, most: int, waits: Sequence[TimeoutQueue[Holder]], make_room: Callable[[Holder], None]
    ) -> None:
        """Set the bound.

        Args:
            most: Bytes that all may hold.
            waits: Where connections wait for their clients.
            make_room: Ends a connection, so that it holds nothing or
                waits no longer; must not raise.
        """
        self.held = 0
        self._most = most
        self._waits = waits
        self._make_room = make_room
        self._making_room = False
        self._ended = Tally()

    def change(self, holder: Holder, more: int) -> None:
        """Count bytes, and make room where all together are too many.

        Args:
            holder: Who holds them; may itself be ended.
            more: How many more than before, negative for fewer.
        """
        self.held += more
        # Those that make room come back here with fewer bytes.
        if self.held <= self._most or self._making_room:
            return
        self._making_room = True
        while self.held > self._most:
            longest = self._longest_waiting()
            self._ended.add()
            self._make_room(longest or holder)
            if longest is None:
                break
        self._making_room = False

    def has_room(self, more: int) -> bool:
        """Ask before something is made whether it may be held, and end
        those for it that wait longest.

        Args:
            more: Bytes that it will take.

        Returns:
            False where what is in hand alone leaves no room.
        """
        while self.held + more > self._most:
            longest = self._longest_waiting()
            if longest is None:
                return False
            self._ended.add()
            self._make_room(longest)
        return True

    def report(self, now: float) -> None:
        """Write one line about all that were ended since the last one.

        Args:
            now: The monotonic clock's seconds; infinity where there
                will be no later moment.
        """
        ended = self._ended.due(now)
        if ended:
            _log.warning(
                "connections_shed",
                f"{ended} connections were ended that waited for their clients: all together held "
                "more "
                f"than {self._most:,} bytes of requests and answers",
                ended=ended,
                held=self.held,
            )

    def _longest_waiting(self) -> Holder | None:
        found = [longest for waits in self._waits if (longest := waits.longest()) is not None]
        return min(found, key=itemgetter(1))[0] if found else None
