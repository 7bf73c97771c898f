"""What the group's rebalances do to one consumer, written down for its own thread."""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from kafka import ConsumerRebalanceListener
from kafka.structs import TopicPartition


@dataclass(frozen=True, slots=True)
class Rebalance:
    """One change of what is held.

    Attributes:
        taken: Partitions that are no longer ours.
        given: Partitions that are ours from now on.
    """

    taken: tuple[int, ...] = ()
    given: tuple[int, ...] = ()


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Takes notes on the library's own thread, while the consumer's thread waits in a poll.

    Nothing else is done there: a commit inside a listener raises, and a slow listener holds up heartbeats.
    """

    def __init__(self) -> None:
        """Begin with an empty page."""
        self.hold: Callable[[Collection[TopicPartition]], None] | None = None
        self._notes: deque[Rebalance] = deque()

    def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Note what was given, and hold its records back until their position is known.

        Args:
            assigned: The partitions that were not held before.
        """
        if self.hold is not None:
            self.hold(assigned)
        self._notes.append(Rebalance(given=_numbers(assigned)))

    def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Note what was taken.

        Args:
            revoked: The partitions that go to somebody else.
        """
        self._notes.append(Rebalance(taken=_numbers(revoked)))

    def on_partitions_lost(self, lost: Collection[TopicPartition]) -> None:
        """Note what was taken while we did not listen.

        Args:
            lost: The partitions that may be somebody else's already.
        """
        self._notes.append(Rebalance(taken=_numbers(lost)))

    def read(self) -> list[Rebalance]:
        """Take the notes.

        Returns:
            What happened since the last call, in order.
        """
        return [self._notes.popleft() for _ in range(len(self._notes))]


def _numbers(partitions: Collection[TopicPartition]) -> tuple[int, ...]:
    return tuple(sorted(each.partition for each in partitions))
