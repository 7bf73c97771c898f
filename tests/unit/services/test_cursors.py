import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import blake2b
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.conversation import ConversationPosition
from angarium.domain.errors import Code, Refused
from angarium.domain.message import BEGINNING, LAST_OFFSET, InboxPosition, MessagePosition
from angarium.services import cursors
from angarium.services.cursors import MAX_TIMESTAMP, Direction, HistoryCursor

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

timestamps = st.integers(0, MAX_TIMESTAMP)
offsets = st.integers(0, LAST_OFFSET)
ids = st.uuids(version=None, allow_nil=True)
positions = st.builds(MessagePosition, timestamps, offsets) | st.just(BEGINNING)
history_cursors = st.builds(HistoryCursor, st.sampled_from(Direction), positions)
conversation_positions = st.builds(ConversationPosition, timestamps, ids)
inbox_positions = st.builds(InboxPosition, timestamps, ids, offsets)

READERS: list[Callable[[str, UUID], object]] = [
    cursors.read_history,
    cursors.read_conversations,
    cursors.read_inbox,
]


def refused(read: Callable[[str, UUID], object], text: str, owner_id: UUID) -> None:
    with pytest.raises(Refused) as refusal:
        read(text, owner_id)
    (problem,) = refusal.value.problems
    assert (problem.code, problem.field) == (Code.INVALID_CURSOR, "cursor")


def sealed(payload: bytes) -> str:
    data = payload + blake2b(payload, digest_size=8).digest()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


@given(ids, history_cursors)
def test_a_history_cursor_is_read_back_as_it_was_written(
    conversation_id: UUID, cursor: HistoryCursor
) -> None:
    text = cursors.write_history(conversation_id, cursor)
    assert cursors.read_history(text, conversation_id) == cursor
    assert set(text) <= set(ALPHABET)


@given(ids, conversation_positions)
def test_a_cursor_of_conversations_is_read_back_as_it_was_written(
    user_id: UUID, position: ConversationPosition
) -> None:
    assert (
        cursors.read_conversations(cursors.write_conversations(user_id, position), user_id)
        == position
    )


@given(ids, inbox_positions)
def test_an_inbox_cursor_is_read_back_as_it_was_written(
    user_id: UUID, position: InboxPosition
) -> None:
    assert cursors.read_inbox(cursors.write_inbox(user_id, position), user_id) == position


@given(history_cursors)
def test_a_cursor_of_another_owner_is_refused(cursor: HistoryCursor) -> None:
    refused(cursors.read_history, cursors.write_history(uuid4(), cursor), uuid4())
    user_id = uuid4()
    refused(
        cursors.read_inbox, cursors.write_inbox(user_id, InboxPosition(1, user_id, 1)), uuid4()
    )
    position = ConversationPosition(1, user_id)
    refused(cursors.read_conversations, cursors.write_conversations(user_id, position), uuid4())


def test_a_cursor_of_another_kind_of_list_is_refused() -> None:
    owner_id = uuid4()
    texts = [
        cursors.write_history(owner_id, HistoryCursor(Direction.OLDER, MessagePosition(1, 1))),
        cursors.write_conversations(owner_id, ConversationPosition(1, owner_id)),
        cursors.write_inbox(owner_id, InboxPosition(1, owner_id, 1)),
    ]
    for own, read in enumerate(READERS):
        for other, text in enumerate(texts):
            if own == other:
                read(text, owner_id)
            else:
                refused(read, text, owner_id)


def test_the_kind_counts_even_where_the_lengths_agree() -> None:
    owner_id = uuid4()
    as_history = struct.pack(">BB16sBqq", 1, 2, owner_id.bytes, 1, 5, 5)
    refused(cursors.read_history, sealed(as_history), owner_id)


@given(history_cursors, st.data())
def test_any_single_changed_character_is_found(cursor: HistoryCursor, data: st.DataObject) -> None:
    owner_id = uuid4()
    text = cursors.write_history(owner_id, cursor)
    index = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(
        st.sampled_from(ALPHABET + "=!é ").filter(lambda drawn: drawn != text[index])
    )
    refused(cursors.read_history, text[:index] + character + text[index + 1 :], owner_id)


@pytest.mark.parametrize("character", "!= \n\x00é")
def test_a_character_that_no_cursor_has_is_refused_wherever_it_stands(character: str) -> None:
    owner_id = uuid4()
    text = cursors.write_history(owner_id, HistoryCursor(Direction.OLDER, MessagePosition(1, 1)))
    for index in range(len(text)):
        refused(cursors.read_history, text[:index] + character + text[index + 1 :], owner_id)


@given(history_cursors, st.data())
def test_any_cut_or_lengthened_text_is_refused(cursor: HistoryCursor, data: st.DataObject) -> None:
    owner_id = uuid4()
    text = cursors.write_history(owner_id, cursor)
    cut = data.draw(st.integers(0, len(text) - 1))
    added = data.draw(st.text(ALPHABET + "=\n", min_size=1, max_size=5))
    refused(cursors.read_history, text[:cut], owner_id)
    refused(cursors.read_history, text + added, owner_id)


@given(st.text(max_size=200), ids)
def test_no_text_raises_anything_but_a_refusal(text: str, owner_id: UUID) -> None:
    for read in READERS:
        refused(read, text, owner_id)


def test_spare_bits_make_no_second_text_of_one_cursor() -> None:
    owner_id = uuid4()
    text = cursors.write_conversations(owner_id, ConversationPosition(1, owner_id))
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    others = [
        text[:-1] + last
        for last in ALPHABET
        if last != text[-1]
        and urlsafe_b64decode(text[:-1] + last + "=" * (-len(text) % 4)) == data
    ]
    assert others
    for other in others:
        refused(cursors.read_conversations, other, owner_id)


@pytest.mark.parametrize(
    ("version", "way", "timestamp", "offset"),
    [
        (0, 1, 5, 5),
        (2, 1, 5, 5),
        (1, 2, 5, 5),
        (1, 1, -1, 5),
        (1, 1, 5, -1),
        (1, 1, MAX_TIMESTAMP + 1, 5),
    ],
)
def test_a_sealed_cursor_that_this_version_never_writes_is_refused(
    version: int, way: int, timestamp: int, offset: int
) -> None:
    owner_id = uuid4()
    payload = struct.pack(">BB16sBqq", version, 1, owner_id.bytes, way, timestamp, offset)
    refused(cursors.read_history, sealed(payload), owner_id)


def test_a_sealed_cursor_with_more_or_less_in_it_is_refused() -> None:
    owner_id = uuid4()
    for kind, read in enumerate(READERS, start=1):
        for size in range(60):
            payload = struct.pack(">BB16s", 1, kind, owner_id.bytes) + bytes(size)
            if size not in (17, 24, 32):
                refused(read, sealed(payload), owner_id)


@pytest.mark.parametrize(
    ("timestamp", "offset"), [(-1, 5), (5, -1), (-1, -1), (MAX_TIMESTAMP + 1, 0)]
)
def test_a_sealed_cursor_to_an_impossible_place_is_refused(timestamp: int, offset: int) -> None:
    owner_id = uuid4()
    inbox = struct.pack(">BB16sq16sq", 1, 3, owner_id.bytes, timestamp, owner_id.bytes, offset)
    refused(cursors.read_inbox, sealed(inbox), owner_id)
    if offset >= 0:
        listed = struct.pack(">BB16sq16s", 1, 2, owner_id.bytes, timestamp, owner_id.bytes)
        refused(cursors.read_conversations, sealed(listed), owner_id)
