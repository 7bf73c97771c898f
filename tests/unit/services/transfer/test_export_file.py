"""A file is read back as it was written, or refused by line number."""

import io
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.content import content_problem
from angarium.domain.conversation import Conversation
from angarium.domain.message import Message, MessagePosition, Status
from angarium.domain.user import User
from angarium.services.transfer.entries import Counts, Entry, Header, InvalidLine
from angarium.services.transfer.export_file import ExportReader, ExportWriter, InvalidExport
from angarium.services.transfer.lines import MAX_LINE_BYTES
from angarium.services.transfer.seal import Seal
from tests.unit.services.transfer.sample import (
    HASH,
    START,
    conversation,
    delivered,
    entries,
    message,
    user,
    write,
)

SAMPLE = write(entries())


def read(data: bytes) -> list[Entry]:
    """Read a whole export."""
    return list(ExportReader(io.BytesIO(data)).entries())


def refused(data: bytes) -> str:
    """Return why a file is refused."""
    with pytest.raises(InvalidExport) as raised:
        read(data)
    return str(raised.value)


def sealed(bodies: Sequence[bytes], counts: Counts) -> bytes:
    """Seal lines of any content, as somebody could who knows how."""
    seal = Seal()
    return b"".join([*(seal._add(body[:-1]) for body in bodies), seal.end(counts)])


def resealed(change: Callable[[list[dict[str, object]]], None]) -> bytes:
    """Change the sample's lines and seal it again."""
    documents = [json.loads(line) for line in SAMPLE.splitlines()[:-1]]
    for document in documents:
        del document["check"]
    change(documents)
    bodies = [json.dumps(each, separators=(",", ":")).encode() for each in documents]
    return sealed(bodies, Counts(4, 3, 8))


def test_an_export_is_read_back_as_it_was_written() -> None:
    reader = ExportReader(io.BytesIO(SAMPLE))
    assert list(reader.entries()) == entries()
    assert reader.counts == Counts(4, 3, 8)
    assert reader.line == 17
    assert reader.end is not None
    assert reader.end.counts == reader.counts


def test_the_first_and_the_last_line_are_as_documented() -> None:
    lines = SAMPLE.splitlines(keepends=True)
    first, last = json.loads(lines[0]), json.loads(lines[-1])
    assert first["angarium_export"] == 1
    assert first["exported_at"] == "2023-11-14T22:13:20.000Z"
    digest = sha256(b"".join(lines[:-1])).hexdigest()
    assert lines[-1].decode() == (
        f'{{"end":true,"users":4,"conversations":3,"messages":8,"sha256":"{digest}"}}\n'
    )
    assert last["sha256"] == digest


def test_no_line_has_a_character_that_a_terminal_would_obey() -> None:
    assert re.search(rb"[^\x20-\x7e\n]", SAMPLE) is None


@given(st.text(min_size=1, max_size=40).filter(lambda text: content_problem(text) is None))
def test_every_text_comes_back_byte_for_byte(text: str) -> None:
    lines = [*entries()[:8], message("alice", "bob", 1, text)]
    assert read(write(lines)) == lines


@given(st.data())
def test_a_changed_byte_is_found_in_its_line(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(SAMPLE) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != SAMPLE[at]))
    changed = SAMPLE[:at] + bytes([byte]) + SAMPLE[at + 1 :]
    line = SAMPLE[:at].count(b"\n") + 1
    assert re.match(
        rf"line {line} is refused: |the file ends after line {line},", refused(changed)
    )


@given(st.integers(0, len(SAMPLE) - 1))
def test_a_file_that_was_cut_off_is_refused(size: int) -> None:
    reason = refused(SAMPLE[:size])
    assert reason.startswith(("the file ends after line", "line "))


@given(st.integers(0, 16), st.integers(0, 16))
def test_a_line_that_was_moved_or_doubled_is_refused(start: int, end: int) -> None:
    lines = SAMPLE.splitlines(keepends=True)
    moved = [*lines[:start], *lines[start + 1 :]]
    moved.insert(end, lines[start])
    if moved != lines:
        refused(b"".join(moved))
    refused(b"".join([*lines[:start], lines[start], *lines[start:]]))
    refused(b"".join([*lines[:start], *lines[start + 1 :]]))


def test_what_follows_the_last_line_is_refused() -> None:
    assert refused(SAMPLE + b"\n").startswith("line 18 is refused: it follows the last line")
    assert refused(SAMPLE + SAMPLE).startswith("line 18 is refused: it follows the last line")


def test_a_file_of_another_version_is_refused_before_all_else() -> None:
    other = SAMPLE.replace(b'{"angarium_export":1,', b'{"angarium_export":2,')
    assert refused(other) == (
        "line 1 is refused: the file has version 2 of the format, this program reads version 1"
    )


@pytest.mark.parametrize("data", [b"{}\n", b"\n", b"\x00\xff", b'[{"angarium_export":1}]\n'])
def test_what_is_no_export_is_refused_as_such(data: bytes) -> None:
    assert "so the file is no export" in refused(data)


def test_an_empty_file_is_refused() -> None:
    assert refused(b"") == "line 1 is missing: the file is empty"


def test_a_line_without_end_is_read_no_further_than_its_limit() -> None:
    file = io.BytesIO(b'{"angarium_export":1,' + b" " * 10 * MAX_LINE_BYTES)
    with pytest.raises(InvalidExport, match="line 1 is refused: it is longer than 65,536 bytes"):
        list(ExportReader(file).entries())
    assert file.tell() == MAX_LINE_BYTES + 1


@pytest.mark.parametrize(
    ("line", "change", "reason"),
    [
        (0, {"more": 1}, "no line of an export has exactly the keys"),
        (1, {"admin": True}, "no line of an export has exactly the keys"),
        (1, {"username": "Alice"}, "username is not valid"),
        (1, {"username": "mallory"}, "user_id is not the one"),
        (1, {"password_hash": ""}, "password_hash is not a hash"),
        (1, {"created_at": "2023-11-14T22:13:20Z"}, "not written as"),
        (1, {"created_at": "yesterday"}, "created_at is not a moment"),
        (1, {"created_at": "1969-12-31T23:59:59.999Z"}, "created_at is not between"),
        (5, {"type": "group"}, "type is not"),
        (5, {"participant_ids": []}, "participant_ids are not two ids"),
        (8, {"content": ""}, "content breaks the rules of a text: empty_content"),
        (8, {"content": 5}, "content is not a text"),
        (8, {"seq": True}, "seq is not a whole number"),
        (8, {"seq": -1}, "seq is not a whole number"),
        (8, {"status": "READ"}, "status is not one of PENDING, SENT, DELIVERED"),
        (8, {"message_id": "5"}, "message_id is not a UUID"),
        (8, {"timestamp": "9999-12-31T23:59:59.999Z"}, "timestamp is not between"),
    ],
)
def test_a_sealed_line_that_breaks_a_rule_is_refused(
    line: int, change: dict[str, object], reason: str
) -> None:
    def apply(documents: list[dict[str, object]]) -> None:
        documents[line].update(change)

    said = refused(resealed(apply))
    assert said.startswith(f"line {line + 1} is refused: ")
    assert reason in said


CONVERSATIONS = [each for each in entries() if isinstance(each, Conversation)]
HEADER = Header(START, "0.1.0")
PEOPLE = [user("alice"), user("bob"), user("carol")]
PAIR = conversation("alice", "bob")
FIRST = message("alice", "bob", 1)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([user("alice")], "it is not the first line"),
        ([HEADER, HEADER], "but others precede it"),
        ([HEADER, PEOPLE[1], PEOPLE[0]], "users are not sorted by name"),
        ([HEADER, PEOPLE[0], PEOPLE[0]], "users are not sorted by name"),
        ([HEADER, PEOPLE[0], PAIR], "one of its participants has no line"),
        ([HEADER, *PEOPLE, PAIR, PAIR], "conversations are not sorted by id"),
        ([HEADER, *PEOPLE, *CONVERSATIONS[1::-1]], "conversations are not sorted by id"),
        ([HEADER, *PEOPLE, PAIR, user("zoe")], "a user follows a conversation"),
        ([HEADER, *PEOPLE, FIRST], "its conversation has no line"),
        ([HEADER, *PEOPLE, PAIR, FIRST, FIRST], "its position is not after"),
        (
            [
                HEADER,
                *PEOPLE,
                PAIR,
                FIRST,
                message("bob", "alice", 2)._replace(message_id=FIRST.message_id),
            ],
            "has its message_id",
        ),
        (
            [HEADER, *PEOPLE, PAIR, FIRST._replace(sender_id=PEOPLE[2].user_id)],
            "are not the participants",
        ),
        (
            [
                HEADER,
                *PEOPLE,
                PAIR,
                FIRST,
                message("alice", "bob", 2)._replace(recipient_id=PEOPLE[2].user_id),
            ],
            "are not the participants",
        ),
        ([HEADER, *PEOPLE, PAIR, FIRST._replace(status=Status.DELIVERED)], "delivered_at exactly"),
        ([HEADER, *PEOPLE, PAIR, FIRST._replace(delivered_at=START)], "delivered_at exactly"),
        ([HEADER, *PEOPLE, PAIR, FIRST._replace(content="\x00")], "invalid_content"),
        (
            [HEADER, *PEOPLE, PAIR, FIRST._replace(position=MessagePosition(START, -1))],
            "its position is not after",
        ),
        ([HEADER, *PEOPLE, PAIR, delivered(FIRST, -1)], "delivered_at is not between"),
        ([HEADER, user("alice", "\x1b[2J")], "password_hash is not a hash"),
        ([HEADER, replace(user("alice"), created_at=-1)], "created_at is not between"),
    ],
)
def test_an_export_is_never_written_that_an_import_refuses(
    lines: Sequence[Header | User | Conversation | Message], reason: str
) -> None:
    writer = ExportWriter()
    for line in lines[:-1]:
        writer.add(line)
    with pytest.raises(InvalidLine, match=reason):
        writer.add(lines[-1])


def test_a_password_that_is_not_hashed_yet_may_be_exported() -> None:
    lines: list[Entry] = [HEADER, user("alice", "!"), user("bob", HASH)]
    assert read(write(lines)) == lines


def test_equal_data_make_equal_lines_whatever_precedes_them() -> None:
    other = write([Header(START + 1, "0.2.0"), *entries()[1:]])
    assert other.splitlines()[1:-1] == SAMPLE.splitlines()[1:-1]


def test_the_counts_of_the_last_line_are_checked_though_the_digest_is_right() -> None:
    data = SAMPLE.replace(b'"messages":8', b'"messages":9')
    assert refused(data).startswith("line 17 is refused: its counts or its sha256")
