"""An export has what was accepted before it, or there is none."""

from collections.abc import Callable, Mapping
from uuid import uuid4

import pytest

from angarium.domain.events import SCHEMA, Event, MessagesDelivered, NewMessage, encode
from angarium.domain.message import Message
from angarium.ports.log_inspection import GroupMember
from angarium.ports.message_log import NewRecord, Position
from angarium.ports.messages import Receipt
from angarium.services.outage_retry import OutageRetry
from angarium.services.transfer.backlog import STALLED_S, Backlog, NotStored
from tests.fakes.clock import ManualClock
from tests.fakes.conversations import MemoryConversations
from tests.fakes.inspection import MemoryLogInspector
from tests.fakes.log import MemoryLog
from tests.fakes.messages import MemoryMessages
from tests.fakes.store_inspector import MemoryStoreInspector
from tests.unit.services.transfer.sample import START, message

WORKER = GroupMember("worker-1", (0, 1))


class Service:
    """A log, a store, and a worker that a test moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = ManualClock(START)
        self.log, self.messages = MemoryLog(2, self.clock), MemoryMessages()
        self.inspector = MemoryLogInspector(self.log)
        self.store = MemoryStoreInspector(self.messages, MemoryConversations())
        self.committed: dict[int, Position] = {}
        self.members = [WORKER]
        self.at_each_look: Callable[[], None] = lambda: None
        self.left: list[int] = []
        monkeypatch.setattr(self.inspector, "committed", self.look)
        monkeypatch.setattr(self.inspector, "members", lambda: self.members)

    def look(self) -> Mapping[int, Position]:
        self.at_each_look()
        return dict(self.committed)

    def append(self, event: Event) -> None:
        key = str(event.conversation_id).encode()
        self.log.append(NewRecord(key, encode(event), {"schema": SCHEMA})).result()

    def accept(self, sent: Message) -> None:
        self.append(
            NewMessage(
                uuid4(),
                sent.conversation_id,
                START,
                sent.message_id,
                sent.sender_id,
                sent.recipient_id,
                sent.content,
            )
        )

    def confirm(self, sent: Message) -> None:
        self.append(
            MessagesDelivered(
                uuid4(), sent.conversation_id, START, sent.recipient_id, (sent.message_id,)
            )
        )

    def commit_all(self) -> None:
        for partition, extent in enumerate(self.inspector.ranges()):
            self.committed[partition] = Position(extent.end, START)

    def wait(self) -> None:
        """Wait as an export does."""
        retry = OutageRetry(self.clock, lambda *_: None, self.clock.sleep)
        Backlog(self.inspector, self.store, retry, self.clock, self.clock.sleep).await_stored(
            self.left.append
        )


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    return Service(monkeypatch)


SENT = message("alice", "bob", 1)


def test_a_log_that_is_applied_is_not_waited_for(service: Service) -> None:
    service.accept(SENT)
    service.commit_all()
    service.wait()
    assert service.left == []


def test_workers_that_advance_are_waited_for_however_long(service: Service) -> None:
    for number in range(200):
        service.accept(message("alice", "bob", number))
    (partition,) = (each for each in (0, 1) if service.inspector.ranges()[each].end)

    def advance() -> None:
        service.clock.advance(STALLED_S - 1)
        offset = service.committed.get(partition, Position(0)).offset
        service.committed[partition] = Position(min(200, offset + 1), START)

    service.at_each_look = advance
    service.wait()
    assert service.left == list(range(199, 0, -1))


def test_what_is_accepted_meanwhile_is_not_waited_for(service: Service) -> None:
    service.accept(SENT)
    looks = []

    def accept_more() -> None:
        looks.append(1)
        if len(looks) == 3:
            service.commit_all()
        service.accept(message("alice", "bob", 10 + len(looks)))

    service.at_each_look = accept_more
    service.wait()


def test_what_nobody_stores_refuses_the_export(service: Service) -> None:
    service.accept(SENT)
    service.members = []
    with pytest.raises(NotStored, match="not stored yet: 1 accepted record of the log"):
        service.wait()


def test_workers_that_stand_still_are_not_waited_for(service: Service) -> None:
    service.accept(SENT)
    began = service.clock.monotonic()
    with pytest.raises(NotStored):
        service.wait()
    assert STALLED_S <= service.clock.monotonic() - began < STALLED_S + 1


def test_a_commit_beyond_the_end_of_a_new_log_hides_none_of_its_records(service: Service) -> None:
    service.accept(SENT)
    service.committed = dict.fromkeys((0, 1), Position(1_000, START))
    service.members = []
    with pytest.raises(NotStored, match="1 accepted record"):
        service.wait()


def test_what_a_killed_worker_stored_and_did_not_commit_counts(service: Service) -> None:
    service.accept(SENT)
    service.accept(SENT)
    service.confirm(SENT)
    service.log.append(NewRecord(b"poison", b"{", {"schema": SCHEMA})).result()
    service.messages.record(SENT.conversation_id, [SENT])
    service.messages.mark_delivered(
        SENT.conversation_id, [Receipt(SENT.message_id, SENT.recipient_id, START)]
    )
    service.members = []
    service.wait()


def test_an_index_row_without_its_message_is_not_stored(service: Service) -> None:
    service.accept(SENT)
    service.messages.record(SENT.conversation_id, [SENT])
    service.store.delete_message(SENT)
    service.members = []
    with pytest.raises(NotStored, match="1 accepted record"):
        service.wait()


def test_a_receipt_that_is_not_stored_refuses_the_export_too(service: Service) -> None:
    service.accept(SENT)
    service.confirm(SENT)
    service.messages.record(SENT.conversation_id, [SENT])
    service.members = []
    with pytest.raises(NotStored, match="1 accepted record"):
        service.wait()
