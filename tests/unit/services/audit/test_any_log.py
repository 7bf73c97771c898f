"""Whatever is in a log: once a worker has applied it, an audit accuses
nobody, and one damage is found, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.events import Event
from angarium.domain.message import Message, MessagePosition, Status
from angarium.ports.message_log import Position
from angarium.ports.store_inspection import IndexRow
from angarium.router.worker import Worker
from tests.fakes.clock import ManualClock
from tests.unit.router.events import ALICE, ALICE_BOB, BOB, message, message_id_of, receipt
from tests.unit.router.harness import WorkerHarness
from tests.unit.services.audit.audited_service import AuditedService

NOBODY = UUID(int=7)

PEOPLE = st.sampled_from([(ALICE, BOB), (BOB, ALICE)])
IDS = st.integers(0, 3).map(message_id_of)
TIMES = st.integers(1_000, 1_010)
NEW = st.tuples(st.just("new"), PEOPLE, IDS, TIMES)
CONFIRMED = st.tuples(
    st.just("confirmed"), PEOPLE, st.lists(IDS, min_size=1, max_size=3, unique=True), TIMES
)
POISON = st.tuples(st.just("poison"), TIMES)
LOGS = st.lists(NEW | NEW | CONFIRMED | POISON, max_size=14)

Drawn = Sequence[tuple[object, ...]]


def append(harness: WorkerHarness, drawn: Drawn) -> None:
    """Fill a log with what was drawn."""
    for kind, *what in drawn:
        if kind == "poison":
            harness.log.append_raw(0, b"?", b"poison", {}, cast("int", what[0]))
            continue
        people, ids, at = what
        one, other = cast("tuple[UUID, UUID]", people)
        event: Event
        if kind == "new":
            event = message(f"{at}", one, other, cast("UUID", ids))
        else:
            event = receipt(cast("list[UUID]", ids), one, other)
        harness.put(event, cast("int", at))


def applied(drawn: Drawn, replays: int) -> tuple[AuditedService, Worker]:
    """Apply a log, perhaps again from the beginning."""
    harness = WorkerHarness(ManualClock())
    worker = harness.worker()
    append(harness, drawn)
    for _ in range(replays + 1):
        harness.rewind()
        harness.run(worker)
    return AuditedService(harness), worker


@given(LOGS, st.integers(0, 1), LOGS, st.data())
def test_what_a_worker_has_applied_is_what_the_log_says(
    drawn: Drawn, replays: int, later: Drawn, data: st.DataObject
) -> None:
    service, worker = applied(drawn, replays)
    harness = service.harness
    append(harness, later)
    assert service.audit().findings == []
    # The rest is applied, and not committed.
    position = harness.position()
    harness.run(worker)
    with harness.log.changed:
        harness.log.group("router")._committed[0] = position
    assert service.audit().findings == []
    expired = data.draw(st.integers(0, len(drawn) + len(later)))
    harness.log.expire(0, expired)
    assert service.audit().findings == []
    removed = harness.log._records[0][:expired]
    watermark = max((record.timestamp for record in removed), default=-1)
    service.store.starts[0] = Position(expired, watermark)
    assert service.audit().findings == []


@dataclass(frozen=True)
class Damaged:
    """What must be found."""

    kind: str
    offset: int


def damage(service: AuditedService, row: Message, how: str) -> Damaged:
    """Damage the rows of one message."""
    store, at = service.store, row.position.offset
    index = IndexRow(row.message_id, row.position, row.sender_id)
    elsewhere = MessagePosition(row.position.timestamp + 1, at)
    if how == "row deleted":
        store.delete_message(row)
        return Damaged("missing", at)
    if how == "index row deleted":
        store.delete_index(ALICE_BOB, row.message_id)
        return Damaged("missing", at)
    if how == "text changed":
        store.put_message(row._replace(content=f"{row.content}!"))
        return Damaged("altered", at)
    if how == "moved":
        store.delete_message(row)
        store.put_message(row._replace(position=elsewhere))
        store.put_index(ALICE_BOB, index._replace(position=elsewhere))
        return Damaged("misplaced", at)
    if how == "copied":
        store.put_message(row._replace(position=MessagePosition(1_005, 99)))
        return Damaged("doubled", 99)
    if how == "invented":
        store.put_message(row._replace(message_id=NOBODY))
        return Damaged("unexplained", at)
    if row.status is Status.DELIVERED:
        store.put_message(row._replace(status=Status.SENT, delivered_at=None))
        return Damaged("undelivered", -1)
    store.put_message(row._replace(status=Status.DELIVERED, delivered_at=999))
    return Damaged("altered", at)


HOW = st.sampled_from(
    [
        "row deleted",
        "index row deleted",
        "text changed",
        "moved",
        "copied",
        "invented",
        "status changed",
    ]
)


@given(LOGS, st.integers(0, 1), st.data(), HOW)
def test_one_damage_is_found_and_nothing_else(
    drawn: Drawn, replays: int, data: st.DataObject, how: str
) -> None:
    # A receipt before its message has a dead letter, and counts if it
    # is replayed: nobody misses it.
    service, _ = applied(drawn, 0 if how == "status changed" else replays)
    rows = service.harness.messages.stored(ALICE_BOB)
    if not rows:
        return
    row = data.draw(st.sampled_from(rows))
    expected = damage(service, row, how)
    (finding,) = service.audit().findings
    assert finding.kind.value == expected.kind
    assert finding.offset == expected.offset or expected.offset < 0
    assert finding.conversation_id == ALICE_BOB
    assert finding.message_id == (NOBODY if how == "invented" else row.message_id)


@given(LOGS, st.data())
def test_a_dead_letter_that_is_gone_is_found(drawn: Drawn, data: st.DataObject) -> None:
    service, _ = applied(drawn, 0)
    letters = service.harness.dead_letters._letters
    # A receipt before a message that is DELIVERED now may have had none
    # the second time.
    delivered = {
        each.message_id
        for each in service.harness.messages.stored(ALICE_BOB)
        if each.status is Status.DELIVERED
    }
    needed = [letter for letter in letters if letter.message_id not in delivered]
    if not needed:
        return
    gone = data.draw(st.sampled_from(needed)).record.offset
    letters[:] = [letter for letter in letters if letter.record.offset != gone]
    (finding,) = service.audit().findings
    assert (finding.kind.value, finding.offset) == ("unburied", gone)
