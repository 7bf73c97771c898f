"""Retention removes only what all groups have applied."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from angarium.ports.message_log import (
    BEGINNING,
)
from tests.unit.engines.embedded.retention_harness import RETENTION_S, Sut


class AnyHistory(RuleBasedStateMachine):
    """Appends, commits of two groups, removals, restarts, and clocks
    that jump, in any order.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.sut = Sut(Path(self._folder.name))
        self.times: dict[int, list[int]] = {0: [], 1: []}
        self.applied: dict[str, dict[int, int]] = {"router": {}}

    def teardown(self) -> None:
        self.sut.database.close()
        self._folder.cleanup()

    @rule(partition=st.sampled_from([0, 1]), count=st.integers(1, 3))
    def append(self, partition: int, count: int) -> None:
        self.times[partition] += [self.sut.clock.now_ms()] * count
        self.sut.append(count, partition)

    @rule(seconds=st.sampled_from([1, RETENTION_S // 2, RETENTION_S]))
    def advance(self, seconds: int) -> None:
        self.sut.clock.advance(seconds)

    @rule(milliseconds=st.sampled_from([-(10**9), -5_000, 5_000, 10**9]))
    def step_wall(self, milliseconds: int) -> None:
        self.sut.clock.step_wall(milliseconds)

    @rule(name=st.sampled_from(["router", "other"]))
    def apply(self, name: str) -> None:
        """A group sees every record once, from where it was."""
        starts = self.sut.starts()
        applied = self.applied.setdefault(name, {})
        for record in self.sut.group(name).apply_all():
            start = starts.get(record.partition, BEGINNING).offset
            assert record.offset == applied.get(record.partition, start)
            applied[record.partition] = record.offset + 1
        if not applied:
            del self.applied[name]
            self.applied.setdefault("router", {})

    @rule()
    def remove(self) -> None:
        """Only what every group has applied goes, and nothing young."""
        before = {each: self.sut.offsets(each) for each in self.times}
        now = self.sut.clock.now_ms()
        self.sut.retention.remove_expired()
        for partition, offsets in before.items():
            gone = sorted(set(offsets) - set(self.sut.offsets(partition)))
            applied = min(each.get(partition, 0) for each in self.applied.values())
            assert all(each < applied for each in gone)
            ages = [now - self.times[partition][each] for each in gone]
            assert not [age for age in ages if 0 <= age < RETENTION_S * 1000]

    @rule()
    def reopen(self) -> None:
        self.sut.database.close()
        now = self.sut.clock.now_ms()
        self.sut = Sut(Path(self._folder.name))
        self.sut.clock.step_wall(now - self.sut.clock.now_ms())

    @invariant()
    def the_log_is_whole_from_its_starts_on(self) -> None:
        ends = self.sut.log.ends()
        for partition, times in self.times.items():
            start = self.sut.starts().get(partition, BEGINNING)
            assert self.sut.offsets(partition) == list(range(start.offset, len(times)))
            assert start.watermark == max(times[: start.offset], default=-1)
            assert ends[partition] == len(times)


TestAnyHistory = AnyHistory.TestCase
TestAnyHistory.settings = settings(stateful_step_count=20, deadline=None)
