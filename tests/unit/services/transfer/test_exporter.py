"""An export of a store that moves has what it promises."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from angarium.domain.conversation import Conversation
from angarium.domain.errors import StoreUnavailable
from angarium.domain.message import Message
from angarium.domain.user import User
from angarium.ports.messages import Receipt
from angarium.ports.store_inspection import MessageKey
from angarium.services.configured_passwords import NO_PASSWORD_YET
from angarium.services.outage_retry import OutageRetry
from angarium.services.transfer.duty_cycle import DutyCycle
from angarium.services.transfer.entries import Counts, Entry, Header
from angarium.services.transfer.export_file import ExportReader
from angarium.services.transfer.exporter import LINES_BETWEEN_RESTS, Exporter, StoreDamaged
from angarium.services.transfer.row_reader import RowReader
from tests.fakes.clock import ManualClock
from tests.fakes.conversations import MemoryConversations
from tests.fakes.messages import MemoryMessages
from tests.fakes.store_inspector import MemoryStoreInspector
from tests.fakes.users import MemoryUsers
from tests.unit.services.transfer.sample import START, conversation, entries, message, user

MESSAGES_AT_ONCE = 3


@dataclass
class Store:
    """A store in memory, and an export of it."""

    users: MemoryUsers = field(default_factory=MemoryUsers)
    conversations: MemoryConversations = field(default_factory=MemoryConversations)
    messages: MemoryMessages = field(default_factory=MemoryMessages)
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))

    waited: list[str] = field(default_factory=list)
    rests_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inspector = MemoryStoreInspector(self.messages, self.conversations)

    def put(self, *rows: Entry) -> None:
        """Store users, conversations and messages as a service does."""
        for row in rows:
            if isinstance(row, User):
                self.users.put(row)
            elif isinstance(row, Conversation):
                self.conversations.create(row, row.conversation_id)
            elif isinstance(row, Message):
                self.messages.record(row.conversation_id, [row])
                if row.delivered_at is not None:
                    receipt = Receipt(row.message_id, row.recipient_id, row.delivered_at)
                    self.messages.mark_delivered(row.conversation_id, [receipt])

    def exporter(self) -> Exporter:
        """Return a new export."""
        retry = OutageRetry(
            self.clock, lambda error, _: self.waited.append(str(error)), self.clock.sleep
        )
        rows = RowReader(
            self.users,
            self.conversations,
            self.inspector,
            self.messages,
            retry,
            MESSAGES_AT_ONCE,
        )
        cycle = DutyCycle(self.clock.monotonic, self.rests_s.append, share=0.1)
        return Exporter(rows, Header(START, "0.1.0"), cycle)


@pytest.fixture
def store() -> Store:
    made = Store()
    made.put(*entries())
    return made


def read(lines: Sequence[bytes]) -> list[Entry]:
    """Read an export back as an import does."""
    return list(ExportReader(io.BytesIO(b"".join(lines))).entries())


def test_an_export_has_everything_in_one_order(store: Store) -> None:
    exporter = store.exporter()
    assert [type(each) for each in read(list(exporter.lines()))] == [
        type(each) for each in entries()
    ]
    assert exporter.counts == Counts(4, 3, 8)
    assert list(store.exporter().lines()) == list(store.exporter().lines())


def test_each_message_is_exported_as_it_is_stored(store: Store) -> None:
    assert read(list(store.exporter().lines())) == entries()


def test_users_whose_password_is_not_hashed_yet_are_named(store: Store) -> None:
    store.put(user("erin", NO_PASSWORD_YET), user("frank", NO_PASSWORD_YET))
    exporter = store.exporter()
    list(exporter.lines())
    assert exporter.without_password == ["erin", "frank"]


def test_an_empty_store_is_exported_too() -> None:
    assert len(read(list(Store().exporter().lines()))) == 1


def test_a_long_conversation_is_read_page_by_page(store: Store) -> None:
    sent = [message("bob", "dave", number) for number in range(2 * MESSAGES_AT_ONCE + 1)]
    store.put(conversation("bob", "dave"), *sent)
    exported = read(list(store.exporter().lines()))
    assert [each for each in exported if each in sent] == sent


def test_beside_a_service_it_rests_after_every_few_lines(store: Store) -> None:
    """A line takes a millisecond, so nine follow at a tenth."""
    store.put(*(message("alice", "bob", 100 + number) for number in range(LINES_BETWEEN_RESTS)))
    lines = 0
    for _ in store.exporter().lines():
        lines += 1
        store.clock.advance(0.001)
    assert len(store.rests_s) == (lines - 1) // LINES_BETWEEN_RESTS
    assert store.rests_s == pytest.approx([LINES_BETWEEN_RESTS * 0.009] * len(store.rests_s))


def test_who_comes_while_it_is_read_leaves_it_whole(store: Store) -> None:
    """A conversation of two new users comes at every line."""
    exported = []
    for number, line in enumerate(store.exporter().lines()):
        exported.append(line)
        names = f"new-{number}", f"other-{number}"
        store.put(*map(user, names), conversation(*names), message(*names, 1))
    kept = read(exported)
    assert [each for each in entries()[1:] if each not in kept] == []


def test_a_conversation_that_grows_faster_than_it_is_read_ends_as_a_prefix(store: Store) -> None:
    exported = []
    for number, line in enumerate(store.exporter().lines()):
        exported.append(line)
        for more in range(2):
            store.put(message("bob", "alice", 100 + 2 * number + more))
    pair = conversation("alice", "bob").conversation_id
    kept = [
        each
        for each in read(exported)
        if isinstance(each, Message) and each.conversation_id == pair
    ]
    assert kept == list(store.messages.stored(pair))[: len(kept)]
    assert len(kept) >= 6


def test_a_store_that_is_away_for_a_moment_is_asked_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, failures = store.inspector.messages, [3]

    def answer(conversation_id: UUID, after: MessageKey | None, limit: int) -> Sequence[Message]:
        """Fail three times."""
        if failures[0]:
            failures[0] -= 1
            raise StoreUnavailable("away")
        return answers(conversation_id, after, limit)

    monkeypatch.setattr(store.inspector, "messages", answer)
    assert read(list(store.exporter().lines())) == entries()
    assert store.waited == ["away"] * 3


def test_a_store_that_stays_away_ends_the_export(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> Sequence[User]:
        raise StoreUnavailable("away")

    monkeypatch.setattr(store.users, "all", fail)
    began = store.clock.monotonic()
    with pytest.raises(StoreUnavailable, match="away"):
        list(store.exporter().lines())
    assert 50 < store.clock.monotonic() - began <= 60


def test_messages_without_their_conversation_are_not_left_out_silently(store: Store) -> None:
    store.put(message("bob", "dave", 1))
    with pytest.raises(StoreDamaged, match="has messages and no row of its own: open it again"):
        list(store.exporter().lines())


def test_a_row_that_no_import_accepts_is_named(store: Store) -> None:
    wrong = message("alice", "bob", 50, "")
    store.put(wrong)
    with pytest.raises(StoreDamaged) as raised:
        list(store.exporter().lines())
    assert str(raised.value) == (
        f"message {wrong.message_id} of conversation {wrong.conversation_id} cannot be exported: "
        "its content breaks the rules of a text: empty_content; see where it came from with "
        f"`angarium trace {wrong.conversation_id} {wrong.message_id}`, and correct or remove it"
    )
