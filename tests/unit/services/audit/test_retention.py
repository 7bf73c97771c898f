"""Of what retention has removed an audit accuses nobody."""

import pytest

from angarium.domain.message import MessagePosition, Status
from angarium.ports.message_log import Position
from angarium.services.audit.findings import FindingKind
from tests.unit.router.events import (
    ALICE_BOB,
)
from tests.unit.services.audit.conversation_scene import (
    FIRST,
    SECOND,
    START,
    THIRD,
    Scene,
    index_row,
)
from tests.unit.services.audit.test_damage import ELSEWHERE, NOBODY


def test_a_letter_that_its_own_retention_took_is_not_missed(scene: Scene) -> None:
    scene.unbury("poison")
    scene.unbury("conflict")
    scene.service.kept_since = START + 4_000
    assert scene.service.found() == {("unburied", 0, scene.offsets["conflict"])}
    scene.service.kept_since = START + 4_001
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


def test_messages_from_before_the_log_are_counted_as_not_compared(scene: Scene) -> None:
    assert scene.service.audit().audited.older == 0
    expire(scene, "back")
    audited = scene.service.audit().audited
    assert (audited.older, audited.messages) == (2, 2)


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
