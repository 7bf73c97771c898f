"""Who of a consumer group holds which partition."""

from dataclasses import dataclass, field
from itertools import count

from angarium.clock import Clock
from angarium.ports.message_log import BEGINNING, Assignment, Position


@dataclass(eq=False)
class Member:
    """One consumer of the group; knows only what its own polls
    told it.
    """

    heard_at: float
    name: str = "worker"
    known: dict[int, Assignment] = field(default_factory=dict)
    ended: set[Assignment] = field(default_factory=set)


class Group:
    """Deals partitions out evenly; one moves only when its holder has
    let go or fell silent.

    Not safe for threads by itself: callers hold the log's condition.
    """

    def __init__(self, partitions: int, clock: Clock, session: float) -> None:
        self.generation = 0
        self._clock = clock
        self._session = session
        self._partitions = partitions
        self._tokens = count(1)
        self._members: list[Member] = []
        self._holds: dict[int, tuple[Member, Assignment]] = {}
        self._committed: dict[int, Position] = {}

    def newcomer(self, name: str = "worker") -> Member:
        """Make a consumer known; it becomes a member with its first
        poll.
        """
        return Member(self._clock.monotonic(), name)

    def leave(self, member: Member) -> None:
        """Take a consumer out at once; what it held is free."""
        if member in self._members:
            self._members.remove(member)
            self.generation += 1
        self._release(member)
        member.known.clear()

    def poll(self, member: Member) -> tuple[list[Assignment], dict[Assignment, Position]]:
        """Note that a consumer lives, and tell it what it lost and
        gained since its last poll.
        """
        member.heard_at = self._clock.monotonic()
        if member not in self._members:
            self._members.append(member)
            self.generation += 1
        self._expel_the_silent()
        lost = self._let_go(member)
        return lost, self._take_hold(member)

    def commit(self, member: Member, assignment: Assignment, position: Position) -> None:
        """Keep a position, or end the assignment when its hold was
        lost.
        """
        if assignment not in member.known.values():
            return
        if self._holds.get(assignment.partition) != (member, assignment):
            member.ended.add(assignment)
            return
        if position.offset > self.position(assignment.partition).offset:
            self._committed[assignment.partition] = position

    def position(self, partition: int) -> Position:
        """Tell how far a partition is committed."""
        return self._committed.get(partition, BEGINNING)

    def committed(self) -> dict[int, Position]:
        """Tell how far each partition with a commit is committed."""
        return dict(self._committed)

    def holders(self) -> list[tuple[str, tuple[int, ...]]]:
        """Tell each member's name and the partitions that it holds."""
        return [
            (
                member.name,
                tuple(sorted(at for at, (holder, _) in self._holds.items() if holder is member)),
            )
            for member in self._members
        ]

    def take_away(self, partition: int) -> None:
        """End a hold behind its holder's back, as a broker does that
        missed its heartbeats.
        """
        self._holds.pop(partition, None)

    def _share(self, member: Member) -> set[int]:
        position = next(at for at, other in enumerate(self._members) if other is member)
        return set(range(position, self._partitions, len(self._members)))

    def _let_go(self, member: Member) -> list[Assignment]:
        wanted = self._share(member)
        lost = []
        for partition, assignment in list(member.known.items()):
            held = self._holds.get(partition) == (member, assignment)
            if held and partition in wanted and assignment not in member.ended:
                continue
            if held:
                del self._holds[partition]
            del member.known[partition]
            member.ended.discard(assignment)
            lost.append(assignment)
        return lost

    def _take_hold(self, member: Member) -> dict[Assignment, Position]:
        gained = {}
        for partition in sorted(self._share(member)):
            if partition in self._holds:
                continue
            assignment = Assignment(partition, next(self._tokens))
            self._holds[partition] = (member, assignment)
            member.known[partition] = assignment
            gained[assignment] = self.position(partition)
        return gained

    def _expel_the_silent(self) -> None:
        now = self._clock.monotonic()
        for member in [each for each in self._members if now - each.heard_at > self._session]:
            self._members.remove(member)
            self.generation += 1
            self._release(member)

    def _release(self, member: Member) -> None:
        for partition in [at for at, (holder, _) in self._holds.items() if holder is member]:
            del self._holds[partition]
