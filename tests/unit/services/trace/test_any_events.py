"""Whatever happens in a sound service, and whenever somebody looks, a
trace accuses nobody and agrees with what is stored.
"""

from collections.abc import Callable
from random import Random
from uuid import UUID, uuid4, uuid5

import pytest

from angarium.ports.message_log import Position
from angarium.router.worker import Worker
from angarium.services.trace.journey import Delivered, LogRecord, RecordState, Sent, Stored
from angarium.services.trace.tracer import UnknownMessage
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, message, receipt
from tests.unit.services.trace.traced_service import PARTITION, TracedService

IDS = [uuid5(ALICE_BOB, str(number)) for number in range(5)]
STEPS = 120
SEEDS = [*range(8), 17, 56]
"""Each draws other events; the last two let retention take records
between two reads.
"""


class Events:
    """Draws what happens next: what clients send, what foreign
    producers send, turns of a worker, rebalances, clocks, retention.
    """

    def __init__(self, service: TracedService, random: Random) -> None:
        self.service = service
        self.random = random
        self.worker: Worker = service.harness.worker()
        self.has_expired = False

    def happen(self) -> None:
        """Let one thing happen."""
        kinds: list[Callable[[], object]] = [
            self._send,
            self._send,
            self._confirm,
            self._confirm,
            self._send_garbage,
            self._work,
            self._work,
            self._work,
            self._rebalance,
            self._step_clock,
            self._expire,
            self._replay,
        ]
        self.random.choice(kinds)()

    def _send(self) -> None:
        people = self.random.choice([(ALICE, BOB), (ALICE, BOB), (ALICE, BOB), (BOB, ALICE)])
        self.service.append(message("text", *people, self._id()))

    def _confirm(self) -> None:
        people = self.random.choice([(BOB, ALICE), (BOB, ALICE), (ALICE, BOB)])
        ids = self.random.sample([*IDS, uuid4()], self.random.randint(1, 3))
        self.service.append(receipt(ids, *people))

    def _send_garbage(self) -> None:
        value = f'"{self._id()}" is no event'.encode()
        key = self.random.choice([str(ALICE_BOB).encode(), b"key", None])
        self.service.log.append_raw(PARTITION, key, value, {"schema": b"1"})

    def _work(self) -> None:
        self.worker.step()

    def _rebalance(self) -> None:
        self.service.harness.take_away(PARTITION)

    def _step_clock(self) -> None:
        self.service.clock.step_wall(self.random.choice([-5_000, 3_000]))

    def _expire(self) -> None:
        if self.random.random() > 0.2:
            return
        first, _ = self.service.log.range(PARTITION)
        end = self.service.harness.position(PARTITION).offset
        if end > first:
            before = self.random.randint(first + 1, end)
            gone = self.service.log.read(PARTITION, first, before - first)
            known = self.service.rows.starts.get(PARTITION, Position(0))
            watermark = max(known.watermark, *(record.timestamp for record in gone))
            self.service.rows.starts[PARTITION] = Position(before, watermark)
            self.service.log.expire(PARTITION, before)
            self.has_expired = True

    def _replay(self) -> None:
        # The watermark of what has expired is part of the commit.
        if not self.has_expired:
            self.service.harness.rewind()

    def _id(self) -> UUID:
        return self.random.choice(IDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_sound_service_is_never_accused(seed: int, service: TracedService) -> None:
    random = Random(seed)
    events = Events(service, random)
    for _ in range(STEPS):
        events.happen()
        if random.random() < 0.3:
            for call in random.sample(("find", "committed", "ranges", "read"), 2):
                service.meanwhile.before(call, events.happen)
        check(service, random.choice(IDS))


def check(service: TracedService, message_id: UUID) -> None:
    """Compare a trace with what is stored."""
    try:
        report = service.report(message_id)
    except UnknownMessage:
        return
    text = "\n".join(report.lines())
    assert "audit" not in text, text
    assert "damage" not in text, text
    journey = report.journey
    assert not journey.unavailable
    if not isinstance(journey.stored, Stored):
        return
    row = service.row(message_id)
    assert isinstance(journey.message, Sent)
    assert journey.message.message.content == row.content
    assert journey.stored.position == row.position
    assert isinstance(journey.record, LogRecord)
    assert journey.record.position.offset == row.position.offset
    assert journey.record.state in {RecordState.PRESENT, RecordState.EXPIRED}
    if isinstance(journey.delivered, Delivered):
        assert journey.delivered.at == row.delivered_at
