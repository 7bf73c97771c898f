import pytest

from angarium.domain.events import encode
from tests.fakes.clock import ManualClock
from tests.unit.router.events import (
    ALICE,
    BOB,
    CAROL,
    HEADERS,
    message,
    message_id_of,
    receipt,
)
from tests.unit.router.harness import WorkerHarness
from tests.unit.services.audit.audited_service import AuditedService
from tests.unit.services.audit.conversation_scene import FIRST, SECOND, START, THIRD, Scene


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
