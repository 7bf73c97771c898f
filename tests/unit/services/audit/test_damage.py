"""Each damage is found and named, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from angarium.domain.events import encode
from angarium.domain.message import Message, MessagePosition, Status
from angarium.ports.message_log import Position
from angarium.ports.store_inspection import IndexRow
from angarium.services.audit.findings import Finding, FindingKind
from tests.fakes.clock import ManualClock
from tests.unit.router.events import (
    ALICE,
    ALICE_BOB,
    BOB,
    CAROL,
    HEADERS,
    message,
    message_id_of,
    receipt,
)
from tests.unit.router.harness import WorkerHarness
from tests.unit.services.audit.audited_service import AuditedService

START = 1_700_000_000_000
FIRST, SECOND, THIRD = map(message_id_of, ("first", "second", "third"))


@dataclass
class Scene:
    """A conversation with everything in it that a log may have.

    Attributes:
        harness: Log and workers.
        service: Audits them.
        offsets: Those of the records, by a name.
    """

    harness: WorkerHarness
    service: AuditedService
    offsets: dict[str, int]

    def stored(self, message_id: UUID) -> Message:
        (found,) = (
            each
            for each in self.harness.messages.stored(ALICE_BOB)
            if each.message_id == message_id
        )
        return found

    def put(self, message_id: UUID, **changes: object) -> None:
        """Change columns of a row, those of its key too."""
        row = self.stored(message_id)
        changed = row._replace(**changes)  # type: ignore[arg-type]
        if (changed.position, changed.message_id) != (row.position, row.message_id):
            self.service.store.delete_message(row)
        self.service.store.put_message(changed)

    def delete(self, message_id: UUID) -> None:
        """Delete a row and its row in the index."""
        self.service.store.delete_message(self.stored(message_id))
        self.service.store.delete_index(ALICE_BOB, message_id)

    def invent(self, message_id: UUID, position: MessagePosition) -> None:
        """Write a row and its row in the index."""
        row = self.stored(FIRST)._replace(message_id=message_id, position=position)
        self.service.store.put_message(row)
        self.service.store.put_index(ALICE_BOB, index_row(row))

    def unbury(self, name: str) -> None:
        """Remove the dead letters of a record."""
        letters = self.harness.dead_letters._letters
        letters[:] = [each for each in letters if each.record.offset != self.offsets[name]]


@pytest.fixture
def scene() -> Scene:
    clock = ManualClock()
    harness = WorkerHarness(clock)
    at = iter(range(START, START + 1_000_000, 1_000))
    log = {
        "first": harness.put(message("one", message_id=FIRST), next(at)),
        "poison": harness.log.append_raw(0, b"key", b"poison", HEADERS, next(at)),
        "second": harness.put(message("two", message_id=SECOND), next(at)),
        "back": harness.put(message("a clock stepped back", message_id=THIRD), START),
        "duplicate": harness.put(message("again", message_id=SECOND), next(at)),
        "conflict": harness.put(message("mine", BOB, ALICE, SECOND), next(at)),
        "receipt": harness.put(receipt([FIRST]), next(at)),
        "repeated receipt": harness.put(receipt([FIRST]), next(at)),
        "unknown": harness.put(receipt([message_id_of("never sent"), SECOND]), next(at)),
        "not recipient": harness.put(receipt([THIRD], ALICE, BOB), next(at)),
        "key": harness.log.append_raw(0, b"key", encode(message("x")), HEADERS, next(at)),
        "other": harness.put(message("elsewhere", BOB, CAROL), next(at)),
        "replayed": harness.put(receipt([message_id_of("never sent"), SECOND]), next(at)),
    }
    worker = harness.worker()
    harness.run(worker)
    harness.rewind()
    harness.run(worker)
    scene = Scene(harness, AuditedService(harness), {k: v.offset for k, v in log.items()})
    assert scene.service.audit().findings == []
    return scene


def index_row(row: Message, **changes: object) -> IndexRow:
    return IndexRow(row.message_id, row.position, row.sender_id)._replace(**changes)  # type: ignore[arg-type]


ELSEWHERE = MessagePosition(START + 12_345, 3)
NOBODY = UUID(int=7)

DAMAGES: dict[str, tuple[Callable[[Scene], None], str, UUID | None, str | int]] = {
    "a row is deleted": (
        lambda scene: scene.service.store.delete_message(scene.stored(SECOND)),
        "missing",
        SECOND,
        "second",
    ),
    "an index row is deleted": (
        lambda scene: scene.service.store.delete_index(ALICE_BOB, SECOND),
        "missing",
        SECOND,
        "second",
    ),
    "both are deleted": (
        lambda scene: scene.delete(FIRST),
        "missing",
        FIRST,
        "first",
    ),
    "a text is changed": (
        lambda scene: scene.put(THIRD, content="a clock stepped  back"),
        "altered",
        THIRD,
        "back",
    ),
    "a sender is changed": (
        lambda scene: scene.put(THIRD, sender_id=CAROL),
        "altered",
        THIRD,
        "back",
    ),
    "a recipient is changed": (
        lambda scene: scene.put(FIRST, recipient_id=CAROL),
        "altered",
        FIRST,
        "first",
    ),
    "the index names another sender": (
        lambda scene: scene.service.store.put_index(
            ALICE_BOB, index_row(scene.stored(FIRST), sender_id=BOB)
        ),
        "altered",
        FIRST,
        "first",
    ),
    "the text of a duplicate wins": (
        lambda scene: scene.put(SECOND, content="again"),
        "altered",
        SECOND,
        "second",
    ),
    "nobody confirmed it": (
        lambda scene: scene.put(THIRD, status=Status.DELIVERED, delivered_at=START + 5_000),
        "altered",
        THIRD,
        "back",
    ),
    "it was confirmed at another time": (
        lambda scene: scene.put(FIRST, delivered_at=START + 1),
        "altered",
        FIRST,
        "first",
    ),
    "the second receipt counts": (
        lambda scene: scene.put(FIRST, delivered_at=START + 6_000),
        "altered",
        FIRST,
        "first",
    ),
    "a time of delivery is lost": (
        lambda scene: scene.put(FIRST, delivered_at=None),
        "altered",
        FIRST,
        "first",
    ),
    "a time of delivery came from nowhere": (
        lambda scene: scene.put(THIRD, delivered_at=START),
        "altered",
        THIRD,
        "back",
    ),
    "a status is set back": (
        lambda scene: scene.put(FIRST, status=Status.SENT, delivered_at=None),
        "undelivered",
        FIRST,
        "receipt",
    ),
    "a receipt with others was lost": (
        lambda scene: scene.put(SECOND, status=Status.PENDING, delivered_at=None),
        "undelivered",
        SECOND,
        "unknown",
    ),
    "a row is moved to another time": (
        lambda scene: scene.put(
            SECOND, position=MessagePosition(START + 1_500, scene.offsets["second"])
        ),
        "misplaced",
        SECOND,
        "second",
    ),
    "a row has its own append time, not the watermark": (
        lambda scene: scene.put(THIRD, position=MessagePosition(START, scene.offsets["back"])),
        "misplaced",
        THIRD,
        "back",
    ),
    "a row is moved to the place of its duplicate": (
        lambda scene: scene.put(
            SECOND, position=MessagePosition(START + 3_000, scene.offsets["duplicate"])
        ),
        "misplaced",
        SECOND,
        "second",
    ),
    "the index says another place": (
        lambda scene: scene.service.store.put_index(
            ALICE_BOB, index_row(scene.stored(THIRD), position=ELSEWHERE)
        ),
        "misplaced",
        THIRD,
        "back",
    ),
    "a duplicate is stored too": (
        lambda scene: scene.service.store.put_message(
            scene.stored(SECOND)._replace(
                content="again",
                position=MessagePosition(START + 3_000, scene.offsets["duplicate"]),
            )
        ),
        "doubled",
        SECOND,
        "duplicate",
    ),
    "a row is copied": (
        lambda scene: scene.service.store.put_message(
            scene.stored(FIRST)._replace(position=MessagePosition(START + 1, 77))
        ),
        "doubled",
        FIRST,
        77,
    ),
    "a row that nobody sent": (
        lambda scene: scene.service.store.put_message(
            scene.stored(FIRST)._replace(message_id=NOBODY, position=ELSEWHERE)
        ),
        "unexplained",
        NOBODY,
        3,
    ),
    "an index row that nobody sent": (
        lambda scene: scene.service.store.put_index(
            ALICE_BOB, index_row(scene.stored(FIRST), message_id=NOBODY)
        ),
        "unexplained",
        NOBODY,
        "first",
    ),
    "a row with its index row that nobody sent": (
        lambda scene: scene.invent(NOBODY, ELSEWHERE),
        "unexplained",
        NOBODY,
        3,
    ),
    "the letter of what is no event is gone": (
        lambda scene: scene.unbury("poison"),
        "unburied",
        None,
        "poison",
    ),
    "the letter of a conflict is gone": (
        lambda scene: scene.unbury("conflict"),
        "unburied",
        SECOND,
        "conflict",
    ),
    "the letter of an unknown message is gone": (
        lambda scene: scene.unbury("unknown"),
        "unburied",
        message_id_of("never sent"),
        "unknown",
    ),
    "the letter of a stranger's receipt is gone": (
        lambda scene: scene.unbury("not recipient"),
        "unburied",
        THIRD,
        "not recipient",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_is_named_and_nothing_else(scene: Scene, name: str) -> None:
    damage, kind, message_id, place = DAMAGES[name]
    damage(scene)
    offset = place if isinstance(place, int) else scene.offsets[place]
    conversation_id = None if message_id is None else ALICE_BOB
    expected = [Finding(FindingKind(kind), conversation_id, message_id, 0, offset)]
    assert scene.service.audit().findings == expected
    if conversation_id is not None:
        assert scene.service.audit(conversation_id).findings == expected
    assert scene.service.audit(message("", BOB, CAROL).conversation_id).findings == []


def test_a_record_with_another_key_needs_its_letter_too(scene: Scene) -> None:
    scene.unbury("key")
    (finding,) = scene.service.audit().findings
    assert (finding.kind, finding.conversation_id, finding.offset) == (
        FindingKind.UNBURIED,
        ALICE_BOB,
        scene.offsets["key"],
    )
    assert finding in scene.service.audit(ALICE_BOB).findings


def test_what_was_compared_is_counted(scene: Scene) -> None:
    audited = scene.service.audit().audited
    assert (audited.records, audited.partitions) == (13, 1)
    assert (audited.messages, audited.conversations, audited.rows) == (4, 2, 8)
    one = scene.service.audit(ALICE_BOB).audited
    assert (one.records, one.messages, one.conversations, one.rows) == (11, 3, 1, 6)


def test_a_letter_that_its_own_retention_took_is_not_missed(scene: Scene) -> None:
    scene.unbury("poison")
    scene.unbury("conflict")
    scene.service.kept_since = START + 4_000
    assert scene.service.found() == {("unburied", 0, scene.offsets["conflict"])}
    scene.service.kept_since = START + 4_001
    assert scene.service.found() == set()


def test_a_record_that_was_buried_by_a_fault_explains_what_is_not_stored(scene: Scene) -> None:
    letter = scene.harness.dead_letters.all()[0]
    record = scene.harness.log.read(0, scene.offsets["second"], 1)[0]
    scene.delete(SECOND)
    assert scene.service.found() == {("missing", 0, scene.offsets["second"])}
    scene.harness.dead_letters.append(replace(letter, reason="internal_error", record=record))
    # The next record with the id should have been stored then.
    assert scene.service.found() == {("missing", 0, scene.offsets["duplicate"])}
    duplicate = MessagePosition(START + 3_000, scene.offsets["duplicate"])
    stored = scene.stored(SECOND)._replace(content="again", position=duplicate)
    scene.service.store.put_message(stored)
    scene.service.store.put_index(ALICE_BOB, index_row(stored))
    assert scene.service.found() == set()


def expire(scene: Scene, before: str, is_known: bool = True) -> None:
    """Let retention take the records before one."""
    offset = scene.offsets[before]
    removed = scene.harness.log._records[0][:offset]
    scene.harness.log.expire(0, offset)
    if is_known:
        watermark = max((record.timestamp for record in removed), default=-1)
        scene.service.store.starts[0] = Position(offset, watermark)


@pytest.mark.parametrize("is_known", [True, False], ids=["by the store", "by the broker"])
def test_what_retention_took_accuses_nobody(scene: Scene, is_known: bool) -> None:
    for name in scene.offsets:
        expire(scene, name, is_known)
        assert scene.service.audit().findings == [], name


@pytest.mark.parametrize("is_known", [True, False], ids=["by the store", "by the broker"])
def test_what_is_left_of_a_log_is_judged(scene: Scene, is_known: bool) -> None:
    expire(scene, "back", is_known)
    scene.put(FIRST, content="not judged any more", status=Status.SENT, delivered_at=None)
    scene.put(THIRD, content="changed")
    scene.unbury("conflict")
    scene.service.store.delete_index(ALICE_BOB, SECOND)
    nobody = scene.stored(FIRST)._replace(
        message_id=NOBODY,
        position=MessagePosition(START + 12_345, scene.offsets["other"]),
    )
    scene.service.store.put_message(nobody)
    assert scene.service.found() == {
        ("undelivered", 0, scene.offsets["receipt"]),
        ("altered", 0, scene.offsets["back"]),
        ("unburied", 0, scene.offsets["conflict"]),
        ("missing", 0, scene.offsets["second"]),
        ("unexplained", 0, scene.offsets["other"]),
    }


def test_a_row_that_retention_left_alone_is_still_one_row(scene: Scene) -> None:
    expire(scene, "receipt")
    scene.service.store.put_message(
        scene.stored(FIRST)._replace(position=MessagePosition(START, 1))
    )
    scene.service.store.put_index(ALICE_BOB, index_row(scene.stored(THIRD), position=ELSEWHERE))
    assert scene.service.found() == {("doubled", 0, 1), ("misplaced", 0, 3)}


def test_a_message_that_was_lost_with_its_record_is_missed_by_its_receipt(scene: Scene) -> None:
    expire(scene, "receipt")
    scene.delete(FIRST)
    (first, second) = scene.service.audit().findings
    assert {first.kind, second.kind} == {FindingKind.MISSING}
    assert {first.message_id, second.message_id} == {FIRST}


def test_the_watermark_before_a_log_is_inferred_but_excuses_no_single_row(scene: Scene) -> None:
    # The record that is first now has a time before the watermark.
    expire(scene, "back", is_known=False)
    assert scene.service.found() == set()
    scene.put(THIRD, position=MessagePosition(START + 1_999_999, scene.offsets["back"]))
    scene.service.store.put_index(
        ALICE_BOB,
        index_row(
            scene.stored(THIRD),
            position=MessagePosition(START + 1_999_999, scene.offsets["back"]),
        ),
    )
    assert scene.service.found() == {("misplaced", 0, scene.offsets["back"])}
