"""Whatever happens to workers, the store and the log, readers see what
the log says.
"""

from dataclasses import replace
from uuid import UUID

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.domain.message import BEGINNING, Message, Status
from angarium.domain.partitioning import partition_for
from angarium.ports.message_log import Record
from angarium.router.settings import WorkerLimits
from angarium.router.worker import Worker
from tests.fakes.clock import ManualClock
from tests.unit.router import expected
from tests.unit.router.events import ALICE, BOB, CAROL, message, message_id_of, receipt
from tests.unit.router.harness import AT_ONCE, WorkerHarness
from tests.unit.router.message_writers import HeldCall, HeldMessageWriter, Watched

PARTITIONS = 2
PAIRS = [(ALICE, BOB), (BOB, CAROL), (ALICE, CAROL)]
NEVER_SENT = message_id_of("never sent")
RANKS = {Status.PENDING: 0, Status.SENT: 0, Status.DELIVERED: 1}

pairs = st.integers(0, len(PAIRS) - 1)
ids = st.integers(0, 6).map(message_id_of)
times = st.integers(1000, 1020)


class History(RuleBasedStateMachine):
    """Appends, turns, answers, failures, rebalances, crashes and
    silences in any order.
    """

    watched = True
    limits = replace(
        AT_ONCE, max_unfinished_records=6, max_batches=2, max_batch_records=3, call_timeout_s=1e9
    )

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.harness = WorkerHarness(self.clock, PARTITIONS)
        self.workers: list[tuple[Worker, HeldMessageWriter]] = []
        # Calls of workers that crashed; they may still take effect.
        self.ghosts: list[HeldCall] = []
        self.sent: list[set[UUID]] = [set() for _ in PAIRS]
        self.ranks: dict[tuple[UUID, UUID], int] = {}

    @initialize()
    def begin(self) -> None:
        self.join()

    @rule(pair=pairs, swap=st.booleans(), message_id=ids, at=times)
    def send(self, pair: int, swap: bool, message_id: UUID, at: int) -> None:
        sender, recipient = PAIRS[pair][:: -1 if swap else 1]
        self.sent[pair].add(message_id)
        text = f"{len(self.harness.log.records())}"
        self.harness.put(message(text, sender, recipient, message_id), at)

    @rule(data=st.data(), pair=pairs, swap=st.booleans(), at=times)
    def confirm(self, data: st.DataObject, pair: int, swap: bool, at: int) -> None:
        recipient, other = PAIRS[pair][:: -1 if swap else 1]
        # The API takes a receipt only when its message is stored, so
        # none comes before its message.
        known = [*sorted(self.sent[pair]), NEVER_SENT]
        confirmed = data.draw(
            st.lists(st.sampled_from(known), min_size=1, max_size=3, unique=True)
        )
        self.harness.put(receipt(confirmed, recipient, other), at)

    @rule(pair=pairs, message_id=ids, at=times)
    def stray(self, pair: int, message_id: UUID, at: int) -> None:
        """Append what another client's partitioner puts elsewhere."""
        event = message("astray", *PAIRS[pair], message_id)
        right = partition_for(str(event.conversation_id).encode(), PARTITIONS)
        self.harness.put(event, at, (right + 1) % PARTITIONS)

    @rule(partition=st.integers(0, PARTITIONS - 1), at=times)
    def poison(self, partition: int, at: int) -> None:
        self.harness.log.append_raw(partition, b"?", b"poison", {}, at)

    @rule(data=st.data(), count=st.integers(1, 4))
    def turn(self, data: st.DataObject, count: int) -> None:
        worker, _ = data.draw(st.sampled_from(self.workers))
        for _ in range(count):
            assert worker.step() == 0

    @rule(
        data=st.data(),
        outcome=st.sampled_from(["ok", "ok", "ok", "failed", "failed after effect"]),
    )
    def answer(self, data: st.DataObject, outcome: str) -> None:
        held = [
            (message_writer.held, call)
            for _, message_writer in self.workers
            for call in message_writer.held
        ]
        held += [(self.ghosts, call) for call in self.ghosts]
        if not held:
            return
        calls, call = data.draw(st.sampled_from(held))
        calls.remove(call)
        if outcome == "ok":
            call.answer()
        else:
            call.fail(StoreUnavailable(outcome), after_effect=outcome == "failed after effect")

    @rule(method=st.sampled_from(["poll", "commit"]), after_effect=st.booleans())
    def break_log(self, method: str, after_effect: bool) -> None:
        # A poll that fails brings nothing: the port's records come
        # "without a gap to what came before".
        if after_effect and method == "commit":
            self.harness.log_faults.fail_after_effect(method, error=LogUnavailable("late"))
        else:
            self.harness.log_faults.fail(method, error=LogUnavailable("out"))

    @rule(after_effect=st.booleans())
    def break_dead_letters(self, after_effect: bool) -> None:
        if after_effect:
            self.harness.dead_letter_faults.fail_after_effect("append")
        else:
            self.harness.dead_letter_faults.fail("append")

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def take_away(self, partition: int) -> None:
        self.harness.take_away(partition)

    @rule(seconds=st.sampled_from([0.1, 1, 4, 11]))
    def let_time_pass(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(user=st.sampled_from([ALICE, BOB, CAROL]))
    def come_online(self, user: UUID) -> None:
        self.harness.presence.touch(user, self.clock.now_ms())

    @precondition(lambda self: len(self.workers) < 3)
    @rule()
    def join(self) -> None:
        message_writer = HeldMessageWriter(self.harness.messages)
        self.workers.append(
            (
                self.harness.worker(
                    Watched(message_writer) if self.watched else message_writer, self.limits
                ),
                message_writer,
            )
        )

    @precondition(lambda self: len(self.workers) > 1)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.workers))
        self.workers.remove(gone)
        self.ghosts += gone[1].held

    @precondition(lambda self: len(self.workers) > 1)
    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        worker, message_writer = data.draw(st.sampled_from(self.workers))
        self.workers.remove((worker, message_writer))
        message_writer.answer_from_now_on()
        worker.stop()

    @rule()
    def replay_all(self) -> None:
        self.harness.rewind()

    @invariant()
    def what_is_committed_is_durable_and_carries_its_running_maximum(self) -> None:
        for partition in range(PARTITIONS):
            records = self.records(partition)
            position = self.harness.position(partition)
            assert position.watermark == expected.watermark(records, position.offset)
            for conversation_id, messages in expected.history(
                records, PARTITIONS, position.offset
            ).items():
                stored = {each.message_id: each for each in self.stored(conversation_id)}
                for each in messages:
                    assert stored[each.message_id].position == each.position
                    assert RANKS[stored[each.message_id].status] >= RANKS[each.status]
            letters = {
                (letter.record.partition, letter.record.offset)
                for letter in self.harness.dead_letters.read(10_000)
            }
            assert all(
                (partition, offset) in letters
                for offset in expected.dead(records, PARTITIONS)
                if offset < position.offset
            )

    @invariant()
    def readers_see_prefixes_of_what_the_log_says(self) -> None:
        for partition in range(PARTITIONS):
            for conversation_id, messages in expected.history(
                self.records(partition), PARTITIONS
            ).items():
                stored = self.stored(conversation_id)
                assert [bare(each) for each in stored] == [
                    bare(each) for each in messages[: len(stored)]
                ]

    @invariant()
    def a_status_never_falls(self) -> None:
        for pair in PAIRS:
            for each in self.stored(message("x", *pair).conversation_id):
                key = (each.conversation_id, each.message_id)
                assert RANKS[each.status] >= self.ranks.get(key, 0)
                self.ranks[key] = RANKS[each.status]

    def teardown(self) -> None:
        self.harness.log_faults.heal()
        self.harness.dead_letter_faults.heal()
        for _, message_writer in self.workers:
            message_writer.answer_from_now_on()
        for call in self.ghosts:
            call.answer()
        for _ in range(200):
            for worker, _ in self.workers:
                worker.step()
            if self.harness.all_committed():
                break
            self.clock.advance(0.5)
        assert self.harness.all_committed()
        for partition in range(PARTITIONS):
            records = self.records(partition)
            for conversation_id, messages in expected.history(records, PARTITIONS).items():
                stored = self.stored(conversation_id)
                assert [bare(each) for each in stored] == [bare(each) for each in messages]
                assert [each.delivered_at for each in stored] == [
                    each.delivered_at for each in messages
                ]
            buried = {
                letter.record.offset: letter.reason
                for letter in self.harness.dead_letters.read(10_000)
                if letter.record.partition == partition
            }
            assert buried == expected.dead(records, PARTITIONS)

    def records(self, partition: int) -> list[Record]:
        return list(self.harness.log.read(partition, 0, 10_000))

    def stored(self, conversation_id: UUID) -> list[Message]:
        return list(self.harness.messages.newer(conversation_id, BEGINNING, 10_000))


def bare(each: Message) -> Message:
    """A message without what presence and receipts decide."""
    return each._replace(status=Status.PENDING, delivered_at=None)


class HistoryWithLateAnswers(History):
    """As above; calls that take too long are given up, tried again, and
    take effect late.
    """

    watched = False
    limits = replace(
        AT_ONCE,
        max_unfinished_records=6,
        max_batches=2,
        max_batch_records=3,
        call_timeout_s=WorkerLimits().call_timeout_s,
    )


# Explaining a failure traces every line, which takes longer than the
# test may.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)

TestWorkers = History.TestCase
TestWorkers.settings = settings(stateful_step_count=40, phases=PHASES)
TestWorkersWithLateAnswers = HistoryWithLateAnswers.TestCase
TestWorkersWithLateAnswers.settings = TestWorkers.settings
