"""Getting entries applied: lane by lane, again and again, until each is durable."""

from collections.abc import Sequence

from angarium.domain.events import NewMessage
from angarium.ports.message_log import DeadLetter
from angarium.router.calls import Calls
from angarium.router.dead_letters import Burial
from angarium.router.entry import Entry
from angarium.router.lanes import Group, Lanes
from angarium.router.marking import Marking
from angarium.router.ports import Ports
from angarium.router.presence import ask
from angarium.router.progress import PartitionProgress
from angarium.router.recording import Recording
from angarium.router.retries import Retries
from angarium.router.work import Work


class Applying:
    """Everything between a record that was read and its offset that is finished.

    Used by the worker's thread alone; what happens on other threads is in `Calls`.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._lanes = Lanes(ports.pace.group)
        self._calls: Calls[Work] = Calls(ports.clock, ports.pace.call)
        self._store = Retries(ports.outage("store", "store"), ports.clock)
        self._dead_letters = Retries(ports.outage("dead_letters", "log of dead letters"), ports.clock)

    @property
    def in_flight(self) -> bool:
        """Whether calls are under way, whose ends are worth waiting for."""
        return len(self._calls) > 0

    @property
    def store_out(self) -> bool:
        """Whether the store is out."""
        return self._store.outage.active

    @property
    def sated(self) -> bool:
        """Whether more records would only wait: the store is out, and who will ask for it next is at hand."""
        return self.store_out and self._lanes.ready > 0

    def add(self, entry: Entry) -> None:
        """Take an entry to be applied.

        Args:
            entry: After every earlier one of its conversation.
        """
        self._lanes.add(entry)

    def bury(self, letter: DeadLetter, progress: PartitionProgress) -> None:
        """Take a dead letter to be put away.

        Args:
            letter: What cannot be applied.
            progress: Of its record's partition.
        """
        self._begin(Burial(letter, progress, self._ports.dead_letters))

    def drop(self, progress: PartitionProgress) -> None:
        """Forget what was not begun of an assignment that is over; what was begun is not tried again.

        Args:
            progress: The lost assignment's.
        """
        self._lanes.drop(progress)

    def start(self) -> None:
        """Begin what can be begun: what is due for another try, then new groups of conversations."""
        retried = [self._retry(work) for work in self._store.due()]
        for work in self._dead_letters.due():
            self._retry(work)
        if self.store_out and not self._lanes.busy:
            # Whoever waited for another try is gone with their assignments: others must find out.
            self._store.outage.forget()
        if not self.store_out:
            self._start_groups(self._ports.pace.lanes)
        elif any(retried):
            # Somebody new asks as well: what failed may fail for reasons of its own.
            self._start_groups(1)

    def settle(self, wait: float) -> bool:
        """Take in the calls that ended.

        Args:
            wait: Seconds to wait for the first; 0 does not wait.

        Returns:
            Whether there were any.
        """
        ended = self._calls.ended(wait)
        for work, error in ended:
            self._conclude(work, error)
        return bool(ended)

    def remaining(self) -> float | None:
        """Tell when `start` has something to try again.

        Returns:
            Seconds; None when nothing waits for a moment.
        """
        waits = [
            wait for wait in (self._store.remaining(), self._dead_letters.remaining()) if wait is not None
        ]
        return min(waits, default=None)

    def _retry(self, work: Work) -> bool:
        if work.progress.over:
            self._release(work)
            return False
        self._begin(work)
        return True

    def _start_groups(self, most: int) -> None:
        messages: list[Group] = []
        for _ in range(min(most, self._ports.pace.lanes - self._lanes.busy)):
            group = self._lanes.take()
            if group is None:
                break
            if isinstance(group.entries[0].event, NewMessage):
                messages.append(group)
            else:
                self._begin(Marking(group, self._ports.recorder))
        if messages:
            online = ask(messages, self._ports.online)
            for group in messages:
                self._begin(Recording(group, online, self._ports.recorder, self._ports.clock))

    def _begin(self, work: Work) -> None:
        work.attempts += 1
        self._calls.start(work)

    def _conclude(self, work: Work, error: Exception | None) -> None:
        retries = self._retries(work)
        letters: Sequence[DeadLetter] = ()
        if error is None:
            error, letters = _concluded(work)
        if error is not None and not work.progress.over:
            retries.failed(work, error)
            return
        if error is None:
            retries.succeeded(work)
        else:
            retries.given_up(work)
        self._release(work)
        if not work.progress.over:
            for letter in letters:
                self.bury(letter, work.progress)

    def _retries(self, work: Work) -> Retries:
        return self._dead_letters if work.group is None else self._store

    def _release(self, work: Work) -> None:
        if work.group is not None:
            self._lanes.release(work.group)


def _concluded(work: Work) -> tuple[Exception | None, Sequence[DeadLetter]]:
    try:
        return None, work.conclude()
    except Exception as error:  # noqa: BLE001 - told by Retries and tried again: nothing is ever skipped
        return error, ()
