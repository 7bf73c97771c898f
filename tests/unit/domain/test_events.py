import json
from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.content import content_problem
from angarium.domain.errors import UndecodableEvent
from angarium.domain.events import SCHEMA, Event, MessagesDelivered, NewMessage, decode, encode

CONTENT = st.text(min_size=1, max_size=2_000).filter(lambda text: content_problem(text) is None)
TIMESTAMPS = st.integers(0, 2**62)
EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        NewMessage, st.uuids(), st.uuids(), TIMESTAMPS, st.uuids(), st.uuids(), st.uuids(), CONTENT
    ),
    st.builds(
        MessagesDelivered,
        st.uuids(),
        st.uuids(),
        TIMESTAMPS,
        st.uuids(),
        st.lists(st.uuids(), min_size=1, max_size=100, unique=True).map(tuple),
    ),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5)
    ),
)

MESSAGE = NewMessage(
    UUID(int=1),
    UUID(int=2),
    1_700_000_000_000,
    UUID(int=3),
    UUID(int=4),
    UUID(int=5),
    "Grüße, 世界 👋",
)
RECEIPT = MessagesDelivered(UUID(int=1), UUID(int=2), 5, UUID(int=5), (UUID(int=3), UUID(int=6)))

Document = dict[str, object]


def changed(event: Event, *path: str, value: object) -> bytes:
    """Encode an event with one part of it replaced."""
    document: Document = json.loads(encode(event))
    inner = document
    for name in path[:-1]:
        found = inner[name]
        assert isinstance(found, dict)
        inner = found
    inner[path[-1]] = value
    return json.dumps(document).encode()


def without(event: Event, name: str) -> bytes:
    """Encode an event with one part of it left out, wherever it
    stands.
    """

    def strip(document: Document) -> Document:
        return {
            each: strip(v) if isinstance(v, dict) else v
            for each, v in document.items()
            if each != name
        }

    return json.dumps(strip(json.loads(encode(event)))).encode()


@given(EVENTS)
def test_an_event_comes_back_equal(event: Event) -> None:
    assert decode(encode(event), SCHEMA) == event


@pytest.mark.parametrize("event", [MESSAGE, RECEIPT])
def test_conversations_and_people_of_many_events_share_their_ids(event: Event) -> None:
    one, other = decode(encode(event), SCHEMA), decode(encode(event), SCHEMA)

    assert one.conversation_id is other.conversation_id
    assert one.recipient_id is other.recipient_id


def test_the_form_in_bytes_is_fixed() -> None:
    assert json.loads(encode(MESSAGE)) == {
        "event_id": str(UUID(int=1)),
        "event_type": "NEW_MESSAGE",
        "conversation_id": str(UUID(int=2)),
        "timestamp": 1_700_000_000_000,
        "payload": {
            "message_id": str(UUID(int=3)),
            "sender_id": str(UUID(int=4)),
            "recipient_id": str(UUID(int=5)),
            "content": "Grüße, 世界 👋",
        },
    }
    assert json.loads(encode(RECEIPT)) == {
        "event_id": str(UUID(int=1)),
        "event_type": "MESSAGES_DELIVERED",
        "conversation_id": str(UUID(int=2)),
        "timestamp": 5,
        "payload": {
            "recipient_id": str(UUID(int=5)),
            "message_ids": [str(UUID(int=3)), str(UUID(int=6))],
        },
    }


def test_a_text_travels_as_plain_utf8() -> None:
    assert "Grüße, 世界 👋".encode() in encode(MESSAGE)


def test_what_a_later_version_added_is_ignored() -> None:
    assert decode(changed(MESSAGE, "priority", value="high"), SCHEMA) == MESSAGE
    assert decode(changed(MESSAGE, "payload", "reply_to", value=None), SCHEMA) == MESSAGE


def test_an_id_that_is_confirmed_twice_in_one_event_counts_once() -> None:
    twice = changed(
        RECEIPT, "payload", "message_ids", value=[str(UUID(int=3))] * 2 + [str(UUID(int=6))]
    )
    assert decode(twice, SCHEMA) == RECEIPT


@pytest.mark.parametrize("schema", ["", "0", "2", "1.0", " 1", "x" * 10_000])
def test_an_unknown_schema_is_no_event(schema: str) -> None:
    with pytest.raises(UndecodableEvent, match="unknown schema") as raised:
        decode(encode(MESSAGE), schema)
    assert len(str(raised.value)) < 100


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[" * 100_000,
        b'{"timestamp":' + b"9" * 10_000 + b"}",
        "{}".encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b'{"payload": "\xed\xa0\x80"}',
    ],
)
def test_bytes_that_are_no_json_in_utf8_are_no_event(value: bytes) -> None:
    with pytest.raises(UndecodableEvent, match="not JSON in UTF-8"):
        decode(value, SCHEMA)


@pytest.mark.parametrize("value", [b"null", b"1", b'"x"', b"[]", b"true"])
def test_json_that_is_no_object_is_no_event(value: bytes) -> None:
    with pytest.raises(UndecodableEvent, match="event is not an object"):
        decode(value, SCHEMA)


@pytest.mark.parametrize(
    ("event", "name"),
    [
        (MESSAGE, "event_id"),
        (MESSAGE, "event_type"),
        (MESSAGE, "conversation_id"),
        (MESSAGE, "timestamp"),
        (MESSAGE, "payload"),
        (MESSAGE, "message_id"),
        (MESSAGE, "sender_id"),
        (MESSAGE, "recipient_id"),
        (MESSAGE, "content"),
        (RECEIPT, "recipient_id"),
        (RECEIPT, "message_ids"),
    ],
)
def test_each_part_must_be_there_and_the_error_names_it(event: Event, name: str) -> None:
    with pytest.raises(UndecodableEvent, match=name):
        decode(without(event, name), SCHEMA)


@pytest.mark.parametrize(
    ("event", "path", "value"),
    [
        (MESSAGE, ("event_id",), 7),
        (MESSAGE, ("event_id",), "7"),
        (MESSAGE, ("event_type",), "NEW_THING"),
        (MESSAGE, ("event_type",), ["NEW_MESSAGE"]),
        (MESSAGE, ("conversation_id",), None),
        (MESSAGE, ("timestamp",), True),
        (MESSAGE, ("timestamp",), 1.5),
        (MESSAGE, ("timestamp",), "1"),
        (MESSAGE, ("payload",), []),
        (MESSAGE, ("payload", "message_id"), "x"),
        (MESSAGE, ("payload", "sender_id"), {}),
        (MESSAGE, ("payload", "recipient_id"), "01234567" * 4),
        (MESSAGE, ("payload", "content"), 5),
        (MESSAGE, ("payload", "content"), ""),
        (MESSAGE, ("payload", "content"), "secret\x00"),
        (MESSAGE, ("payload", "content"), "secret\ud800"),
        (MESSAGE, ("payload", "content"), "secret" * 2_000),
        (RECEIPT, ("payload", "message_ids"), []),
        (RECEIPT, ("payload", "message_ids"), "x"),
        (RECEIPT, ("payload", "message_ids"), [None]),
        (RECEIPT, ("payload", "message_ids"), [str(UUID(int=n)) for n in range(101)]),
    ],
)
def test_each_part_must_be_right_and_the_error_names_it(
    event: Event, path: tuple[str, ...], value: object
) -> None:
    with pytest.raises(UndecodableEvent, match=path[-1]) as raised:
        decode(changed(event, *path, value=value), SCHEMA)
    assert "secret" not in str(raised.value)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_fail_to_decode(value: bytes) -> None:
    with pytest.raises(UndecodableEvent):
        decode(value, SCHEMA)


@given(EVENTS, st.data())
def test_a_damaged_event_is_an_event_or_undecodable_and_nothing_else(
    event: Event, data: st.DataObject
) -> None:
    document: Document = json.loads(encode(event))
    payload = document["payload"]
    assert isinstance(payload, dict)
    where: Document = data.draw(st.sampled_from([document, payload]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(JSON)
    check_that_it_decodes_or_not(json.dumps(document).encode(), decode)


def check_that_it_decodes_or_not(value: bytes, read: Callable[[bytes, str], Event]) -> None:
    try:
        event = read(value, SCHEMA)
    except UndecodableEvent:
        return
    assert read(encode(event), SCHEMA) == event
