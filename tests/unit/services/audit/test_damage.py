"""Each damage is found and named, and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from angarium.domain.message import MessagePosition, Status
from angarium.services.audit.findings import Finding, FindingKind
from tests.unit.router.events import (
    ALICE_BOB,
    BOB,
    CAROL,
    message,
    message_id_of,
)
from tests.unit.services.audit.conversation_scene import (
    FIRST,
    SECOND,
    START,
    THIRD,
    Scene,
    index_row,
)

ELSEWHERE = MessagePosition(START + 12_345, 3)


NOBODY = UUID(int=7)


def move_before_the_log(scene: Scene) -> None:
    """Of a whole log there is no time before it."""
    row = scene.stored(SECOND)
    place = row.position._replace(offset=-1)
    scene.put(SECOND, position=place)
    scene.service.store.put_index(ALICE_BOB, index_row(row, position=place))


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
    "a row and its index say a place before the first offset": (
        move_before_the_log,
        "misplaced",
        SECOND,
        "second",
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
