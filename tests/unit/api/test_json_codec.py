import json
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.api.json_codec import (
    MAX_DEPTH,
    encode,
    encode_list,
    encode_text,
    message_text,
    read_form,
    read_object,
)
from angarium.domain.errors import Code, Refused
from angarium.domain.message import Message, MessagePosition, Status
from angarium.domain.page_size import message_bytes
from angarium.services.cursors import MAX_TIMESTAMP


def refused(body: bytes) -> str:
    with pytest.raises(Refused) as caught:
        read_object(body)
    assert [problem.code for problem in caught.value.problems] == [Code.MALFORMED_JSON]
    return caught.value.problems[0].detail


def refused_form(body: bytes) -> str:
    with pytest.raises(Refused) as caught:
        read_form(body)
    assert [problem.code for problem in caught.value.problems] == [Code.MALFORMED_JSON]
    return caught.value.problems[0].detail


def test_an_object_is_read() -> None:
    assert read_object(b' {"a": "b", "c": null, "d": [true, "e"]} ') == {
        "a": "b",
        "c": None,
        "d": [True, "e"],
    }


@given(st.dictionaries(st.text(), st.text() | st.none() | st.booleans() | st.lists(st.text())))
def test_whatever_is_written_is_read_back(document: dict[str, object]) -> None:
    assert read_object(json.dumps(document).encode()) == document
    assert read_object(encode(document)) == document if "\ud800" not in str(document) else True


@pytest.mark.parametrize(
    "body", [b"", b"  ", b"{", b"{'a': 1}", b'{"a": 1} {}', b'{"a"}', b'{"a": "\n"}']
)
def test_what_is_no_json_is_refused_with_the_place(body: bytes) -> None:
    assert "line " in refused(body)


@pytest.mark.parametrize("body", [b"[]", b'"a"', b"1", b"null", b"true"])
def test_json_that_is_no_object_is_refused(body: bytes) -> None:
    assert "not an object" in refused(body)


@pytest.mark.parametrize(
    "body",
    [b'{"key": 1, "key": 1}', b'{"a": {"key": 1, "key": 2}}', rb'{"key": 1, "\u006bey": 2}'],
)
def test_a_key_twice_is_refused_by_name(body: bytes) -> None:
    assert '"key" twice' in refused(body)


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_what_only_javascript_can_read_is_refused(constant: str) -> None:
    assert constant in refused(f'{{"a": {constant}}}'.encode())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-16-le"])
def test_only_utf_8_is_read(encoding: str) -> None:
    refused('{"a": "ü"}'.encode(encoding))


def test_a_byte_that_is_no_utf_8_is_refused_with_its_place() -> None:
    assert "byte 7" in refused(b'{"a": "\xff"}')


def test_a_surrogate_in_utf_8_bytes_is_refused() -> None:
    refused(b'{"a": "\xed\xa0\x80"}')


def test_a_byte_order_mark_is_refused() -> None:
    refused('{"a": 1}'.encode("utf-8-sig"))


def test_an_escaped_lone_surrogate_is_left_to_the_field() -> None:
    assert read_object(rb'{"a": "\ud800"}') == {"a": "\ud800"}


def test_a_number_with_more_digits_than_python_converts_is_a_number() -> None:
    assert isinstance(read_object(b'{"a": ' + b"1" * 5000 + b"}")["a"], float)


def test_nesting_has_a_bound_that_does_not_depend_on_the_stack() -> None:
    def nested(depth: int) -> bytes:
        return b'{"a": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"

    assert "a" in read_object(nested(MAX_DEPTH))
    assert "nested" in refused(nested(MAX_DEPTH + 1))
    assert "nested" in refused(b'{"a":' * 10_000)


def test_many_arrays_beside_each_other_are_no_nesting() -> None:
    body = b'{"a": [' + b"[]," * 1000 + b"[]]}"
    assert read_object(body) == {"a": [[]] * 1001}


def test_brackets_in_a_text_are_no_nesting() -> None:
    text = "[{" * 1000 + '\\"'
    assert read_object(json.dumps({"a": text}).encode()) == {"a": text}


def test_a_text_that_never_ends_is_refused_without_reading_it_over_and_over() -> None:
    refused(b'{"a": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[' + b'\\"' * 30_000)
    refused(b"[" * 40 + b'"' + b'\\"' * 30_000 + b"\\")


def test_a_form_is_read() -> None:
    assert read_form(b"username=alice&password=a%20b+c%26%c3%bc&grant_type=") == {
        "username": "alice",
        "password": "a b c&ü",
        "grant_type": "",
    }


def test_an_empty_form_has_no_fields() -> None:
    assert read_form(b"") == {}
    assert read_form(b"a=1&") == {"a": "1"}


def test_a_form_field_twice_is_refused_by_name() -> None:
    assert '"username"' in refused_form(b"username=a&username=b")


def test_a_form_that_is_no_utf_8_is_refused() -> None:
    refused_form(b"username=%ff")
    refused_form(b"username=\xff")


def test_a_form_of_countless_fields_is_refused() -> None:
    refused_form(b"&".join(b"f%d=" % number for number in range(1000)))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_long_list_is_written_item_by_item(count: int) -> None:
    items = [encode_text({"é": number}) for number in range(count)]
    written = encode_list('{"items":[', items, '],"more":false}')
    assert json.loads(written) == {
        "items": [{"é": number} for number in range(count)],
        "more": False,
    }


MESSAGE = Message(
    UUID("01a206a1-7225-7b75-ad68-4f4794487c07"),
    UUID("c7518860-2f64-568c-b9cb-22bae8967a16"),
    UUID("192c527f-5ebf-55d2-9f80-d633b5dea4a9"),
    UUID("f89fa609-fb71-5288-a2e5-d4b745d8c0ae"),
    "Hello",
    MessagePosition(1_763_899_413_541, 7),
    Status.PENDING,
)


def test_a_message_is_shown_with_all_that_the_contract_names() -> None:
    assert json.loads(message_text(MESSAGE)) == {
        "message_id": "01a206a1-7225-7b75-ad68-4f4794487c07",
        "conversation_id": "c7518860-2f64-568c-b9cb-22bae8967a16",
        "sender_id": "192c527f-5ebf-55d2-9f80-d633b5dea4a9",
        "recipient_id": "f89fa609-fb71-5288-a2e5-d4b745d8c0ae",
        "content": "Hello",
        "timestamp": "2025-11-23T12:03:33.541Z",
        "status": "PENDING",
        "delivered_at": None,
    }


def test_a_delivered_message_says_when() -> None:
    delivered = MESSAGE._replace(status=Status.DELIVERED, delivered_at=1_763_899_414_000)
    shown = json.loads(message_text(delivered))
    assert (shown["status"], shown["delivered_at"]) == ("DELIVERED", "2025-11-23T12:03:34.000Z")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_as_it_was_sent(content: str) -> None:
    written = message_text(MESSAGE._replace(content=content)).encode()
    assert json.loads(written)["content"] == content


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@given(st.one_of(TEXTS, st.text('\x01\n"\\😀é', max_size=50)))
def test_no_message_takes_more_bytes_than_a_page_reckons_with(content: str) -> None:
    message = MESSAGE._replace(
        content=content,
        position=MessagePosition(MAX_TIMESTAMP, 2**63 - 1),
        status=Status.DELIVERED,
        delivered_at=MAX_TIMESTAMP,
    )
    taken = len(message_text(message).encode())
    assert taken <= message_bytes(message) <= taken + 100
