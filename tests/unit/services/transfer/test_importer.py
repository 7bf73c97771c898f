"""An import checks all, writes once, and reads everything back."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angarium.domain.errors import StoreUnavailable
from angarium.domain.identifiers import text_of
from angarium.domain.message import Message
from angarium.domain.partitioning import partition_for
from angarium.domain.user import User
from angarium.ports.bulk_load import ImportMarker
from angarium.ports.log_inspection import GroupMember
from angarium.ports.message_log import DeadLetter, NewRecord, Position, Record
from angarium.services.transfer import importer as importing
from angarium.services.transfer.entries import Counts, Header
from angarium.services.transfer.export_file import InvalidExport
from angarium.services.transfer.verification import ImportDiffers
from tests.unit.services.transfer.import_engine import PARTITIONS, SAMPLE, Engine
from tests.unit.services.transfer.sample import START, conversation, entries, message, user, write

LINES = SAMPLE.count(b"\n")


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_an_import_brings_everything_and_is_finished(engine: Engine) -> None:
    found = engine.run()
    assert found.counts == Counts(4, 3, 8)
    assert engine.export() == SAMPLE
    assert engine.loader.marker() == ImportMarker(found.sha256, LINES, is_finished=True)


def test_the_log_starts_after_every_moment_of_its_partition(engine: Engine) -> None:
    latest: dict[int, int] = {}
    for each in entries():
        if isinstance(each, Message):
            partition = partition_for(text_of(each.conversation_id).encode(), PARTITIONS)
            moment = max(each.position.timestamp, each.delivered_at or 0)
            latest[partition] = max(latest.get(partition, 0), moment)
    starts = {partition: Position(0, moment + 1) for partition, moment in latest.items()}
    assert engine.run().starts == starts
    assert engine.group.committed == starts
    assert engine.inspector.log_starts() == starts


def test_it_says_how_far_it_is(engine: Engine) -> None:
    engine.run()
    assert list(dict.fromkeys(what for what, _ in engine.progress)) == [
        "checked",
        "imported",
        "compared",
    ]


def test_it_may_be_repeated(engine: Engine) -> None:
    assert engine.run().sha256 == engine.run().sha256
    assert engine.export() == SAMPLE


def test_imported_users_replace_configured_ones_when_it_is_repeated_too(engine: Engine) -> None:
    for _ in range(2):
        engine.users.replace(replace(user("alice", "$scrypt$configured"), created_at=5))
        engine.run()
        assert engine.users.all()[0] == user("alice")
    assert engine.export() == SAMPLE


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_file_with_a_changed_byte_touches_nothing(data: st.DataObject) -> None:
    engine = Engine()
    at = data.draw(st.integers(0, len(SAMPLE) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != SAMPLE[at]))
    with pytest.raises(InvalidExport):
        engine.run(SAMPLE[:at] + bytes([byte]) + SAMPLE[at + 1 :])
    assert engine.is_untouched


def test_a_target_that_is_in_use_is_refused(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [GroupMember("worker-1", (0, 1)), GroupMember("worker-2", (2,))]
    monkeypatch.setattr(engine.log_inspector, "members", lambda: members)
    assert engine.refused() == (
        "the target is in use by worker-1, worker-2: stop the service, then import"
    )
    assert engine.is_untouched


def append_a_record(engine: Engine) -> None:
    engine.log.append(NewRecord(b"key", b"value", {})).result()


def keep_a_dead_letter(engine: Engine) -> None:
    record = Record(0, 0, START, b"key", b"value")
    engine.letters.append(DeadLetter("undecodable_event", "", record, "t"))


@pytest.mark.parametrize(
    ("put", "reason"),
    [
        (append_a_record, "the target has 1 record in its log"),
        (keep_a_dead_letter, "the target has 1 dead letter"),
        (
            lambda engine: engine.conversations.create(conversation("bob", "zoe"), uuid4()),
            "the target has 1 conversation",
        ),
        (
            lambda engine: engine.messages.put(message("bob", "zoe", 1)),
            "the target has 1 conversation",
        ),
        (
            lambda engine: engine.users.put(user("zoe")),
            "the target has users that the settings do not name (zoe)",
        ),
    ],
)
def test_a_target_with_other_data_is_refused(engine: Engine, put: object, reason: str) -> None:
    assert callable(put)
    put(engine)
    assert engine.refused() == f"{reason}: an import needs an empty target"
    assert engine.loader.marker() is None


@pytest.mark.parametrize("put", [append_a_record, keep_a_dead_letter])
def test_a_target_that_was_used_since_its_import_is_refused(engine: Engine, put: object) -> None:
    engine.run()
    assert callable(put)
    put(engine)
    assert "an import needs an empty target" in engine.refused()


def open_a_conversation(engine: Engine) -> None:
    engine.users.put(user("zoe"))
    engine.conversations.create(conversation("alice", "zoe"), uuid4())


def change_a_user(engine: Engine) -> None:
    engine.users.replace(replace(user("carol"), created_at=1))


def test_a_conversation_that_was_opened_since_is_no_reason_to_stop_serving(engine: Engine) -> None:
    """It could never be imported to its end again: nothing would serve
    the store any more.
    """
    found = engine.run()
    finished = engine.loader.marker()
    open_a_conversation(engine)
    change_a_user(engine)
    assert engine.refused() == (
        "the target has 1 conversation that the file does not have: an import needs an empty "
        "target"
    )
    assert engine.loader.marker() == finished == ImportMarker(found.sha256, LINES, True)


@pytest.mark.parametrize("use", [append_a_record, open_a_conversation])
def test_a_service_that_began_while_a_repeat_compares_keeps_the_store(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, use: Callable[[Engine], None]
) -> None:
    """Nothing could serve it any more, once it is reopened."""
    engine.run()
    finished = engine.loader.marker()
    change_a_user(engine)
    users = engine.rows.users

    def use_and_read() -> Sequence[User]:
        use(engine)
        return users()

    monkeypatch.setattr(engine.rows, "users", use_and_read)
    assert "an import needs an empty target" in engine.refused()
    assert engine.loader.marker() == finished


def test_what_is_whole_is_not_written_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.run()
    written: list[str] = []
    for name in ("advance", "put_users", "put_conversations", "put_messages"):
        monkeypatch.setattr(engine.loader, name, lambda *_, name=name: written.append(name))
    importer = engine.importer()
    importer.run(io.BytesIO(SAMPLE))
    assert importer.was_complete
    assert not written


def test_configured_users_are_no_other_data(engine: Engine) -> None:
    engine.users.put(user("bob", "$scrypt$configured"))
    engine.run()
    assert engine.export() == SAMPLE


def test_a_target_that_holds_another_file_is_refused(engine: Engine) -> None:
    other = write([Header(START + 1, "0.1.0"), *entries()[1:]])
    found = engine.run()
    assert engine.refused(other) == (
        f"the target holds an import of another file, with sha256 {found.sha256}: import that "
        "one again, or choose an empty target"
    )


LAST_CALL = 19


@pytest.mark.parametrize("stop_at", range(1, LAST_CALL + 1))
def test_an_import_that_was_interrupted_goes_on(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    """It dies before each of its calls in turn."""
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(importing, "LINES_BETWEEN_MARKS", 3)
    calls = 0

    def dies(call: object, *arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise KeyboardInterrupt
        assert callable(call)
        return call(*arguments)

    writes = ("claim", "advance", "put_users", "put_conversations", "put_messages", "flush")
    with monkeypatch.context() as patch:
        for name in (*writes, "put_log_starts"):
            patch.setattr(engine.loader, name, partial(dies, getattr(engine.loader, name)))
        patch.setattr(engine.group, "commit", partial(dies, engine.group.commit))
        with pytest.raises(KeyboardInterrupt):
            engine.run()
    marker = engine.loader.marker()
    # The commits come last: before the end no worker may find any.
    assert not engine.group.committed
    assert (marker is not None and marker.is_finished) == (stop_at == LAST_CALL)
    found = engine.run()
    assert engine.export() == SAMPLE
    assert engine.group.committed == found.starts


def test_what_is_durable_is_not_written_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(importing, "LINES_BETWEEN_MARKS", 3)
    with monkeypatch.context() as patch:
        patch.setattr(engine.loader, "put_log_starts", fail)
        with pytest.raises(KeyboardInterrupt):
            engine.run()
    written: list[Message] = []
    put = engine.loader.put_messages

    def note(messages: Sequence[Message]) -> None:
        written.extend(messages)
        put(messages)

    monkeypatch.setattr(engine.loader, "put_messages", note)
    found = engine.run()
    assert 0 < len(written) < found.counts.messages


def fail(_: Mapping[int, Position]) -> None:
    """Die."""
    raise KeyboardInterrupt


def test_a_start_between_two_attempts_does_not_win_over_imported_users(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(importing, "LINES_BETWEEN_MARKS", 3)
    with monkeypatch.context() as patch:
        patch.setattr(engine.loader, "put_log_starts", fail)
        with pytest.raises(KeyboardInterrupt):
            engine.run()
    engine.users.put(user("alice", "$scrypt$configured"))
    engine.run()
    assert engine.export() == SAMPLE


def test_a_target_that_is_away_for_a_moment_is_asked_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, failures = engine.loader.put_messages, [3]

    def fail_first(messages: Sequence[Message]) -> None:
        if failures[0]:
            failures[0] -= 1
            raise StoreUnavailable("away")
        put(messages)

    monkeypatch.setattr(engine.loader, "put_messages", fail_first)
    engine.run()
    assert engine.export() == SAMPLE


def sha256_of(export: bytes) -> str:
    """Return the digest that the last line says."""
    digest: str = json.loads(export.splitlines()[-1])["sha256"]
    return digest


FIRST = message("alice", "bob", 0)


def lose_a_message(engine: Engine) -> None:
    engine.inspector.delete_message(FIRST)


def lose_an_index_row(engine: Engine) -> None:
    engine.inspector.delete_index(FIRST.conversation_id, FIRST.message_id)


def alter_a_text(engine: Engine) -> None:
    engine.inspector.put_message(FIRST._replace(content="altered"))


def empty_a_text(engine: Engine) -> None:
    engine.inspector.put_message(FIRST._replace(content=""))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lose_a_message, "the message index of conversation"),
        (lose_an_index_row, "the message index of conversation"),
        (alter_a_text, "an export of the target"),
        (empty_a_text, "a row that no export has"),
        (
            lambda engine: engine.messages.put(message("bob", "dave", 1)),
            "other conversations than the file",
        ),
        (
            lambda engine: engine.users.replace(replace(user("carol"), created_at=1)),
            "an export of the target",
        ),
    ],
)
def test_what_is_stored_otherwise_ends_the_import_unfinished(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, damage: object, reason: str
) -> None:
    put_log_starts = engine.loader.put_log_starts

    def put_and_damage(starts: Mapping[int, Position]) -> None:
        assert callable(damage)
        damage(engine)
        put_log_starts(starts)

    monkeypatch.setattr(engine.loader, "put_log_starts", put_and_damage)
    with pytest.raises(ImportDiffers, match=reason):
        engine.run()
    # The next one writes all of it again.
    assert engine.loader.marker() == ImportMarker(sha256_of(SAMPLE))
