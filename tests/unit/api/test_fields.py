from uuid import UUID

import pytest

from angarium.api.fields import (
    NIL,
    BodyFields,
    FieldValue,
    QueryFields,
    ValidationErrors,
    identifier,
    identifiers,
    path_identifier,
)
from angarium.domain.errors import Code, Refused

ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def noted(faults: ValidationErrors) -> list[tuple[Code, str | None]]:
    try:
        faults.check()
    except Refused as refused:
        return [(problem.code, problem.field) for problem in refused.problems]
    return []


def detail(faults: ValidationErrors) -> str:
    with pytest.raises(Refused) as caught:
        faults.check()
    return caught.value.problems[0].detail


def test_faults_are_told_in_the_contracts_order_whatever_was_looked_at_first() -> None:
    faults = ValidationErrors()
    faults.add(Code.INVALID_MESSAGE_ID, "c", "message_id")
    faults.add(Code.MISSING_FIELD, "a", "content")
    faults.add(Code.INVALID_CONVERSATION_ID, "b", "conversation_id")
    assert [code for code, _ in noted(faults)] == [
        Code.MISSING_FIELD,
        Code.INVALID_CONVERSATION_ID,
        Code.INVALID_MESSAGE_ID,
    ]


def test_nothing_noted_is_nothing_refused() -> None:
    ValidationErrors().check()


def test_a_text_is_read_under_either_name() -> None:
    faults = ValidationErrors()
    assert BodyFields({"content": "a"}, faults).text("content", "text") == FieldValue(
        "content", "a"
    )
    assert BodyFields({"text": "a"}, faults).text("content", "text") == FieldValue("text", "a")
    assert BodyFields({"content": None, "text": "a"}, faults).text(
        "content", "text"
    ) == FieldValue("text", "a")
    assert BodyFields({"content": "a", "text": None}, faults).text(
        "content", "text"
    ) == FieldValue("content", "a")
    assert BodyFields({"content": "a", "text": "a"}, faults).text("content", "text") == FieldValue(
        "content", "a"
    )
    assert noted(faults) == []


@pytest.mark.parametrize("other", ["b", "", 1.0, ["a"]])
def test_two_names_with_two_values_are_refused(other: object) -> None:
    faults = ValidationErrors()
    BodyFields({"content": "a", "text": other}, faults).text("content", "text", required=True)
    assert noted(faults) == [(Code.INVALID_FIELD, "text")]


def test_null_reads_as_missing() -> None:
    for members in ({}, {"content": None}, {"content": None, "text": None}):
        faults = ValidationErrors()
        body = BodyFields(members, faults)
        assert body.text("content", "text") is None
        assert noted(faults) == []
        assert body.text("content", "text", required=True) is None
        assert noted(faults) == [(Code.MISSING_FIELD, "content")]


@pytest.mark.parametrize(
    ("value", "kind"),
    [(1.0, "a number"), (True, "a boolean"), (["x"], "an array"), ({"x": "y"}, "an object")],
)
def test_what_is_no_string_is_refused_by_its_kind(value: object, kind: str) -> None:
    faults = ValidationErrors()
    assert BodyFields({"username": value}, faults).text("username", required=True) is None
    assert noted(faults) == [(Code.INVALID_FIELD, "username")]
    assert detail(faults) == f"`username` is {kind}; send a string."


def test_an_array_of_strings_is_read() -> None:
    faults = ValidationErrors()
    assert BodyFields({"ids": ["a", "b"]}, faults).texts("ids") == ["a", "b"]
    assert BodyFields({"ids": []}, faults).texts("ids") == []
    assert noted(faults) == []


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({}, Code.MISSING_FIELD),
        ({"ids": None}, Code.MISSING_FIELD),
        ({"ids": "a"}, Code.INVALID_FIELD),
        ({"ids": {"a": "b"}}, Code.INVALID_FIELD),
        ({"ids": ["a", 1.0]}, Code.INVALID_FIELD),
        ({"ids": [None]}, Code.INVALID_FIELD),
    ],
)
def test_what_is_no_array_of_strings_is_refused(members: dict[str, object], code: Code) -> None:
    faults = ValidationErrors()
    assert BodyFields(members, faults).texts("ids") is None
    assert noted(faults) == [(code, "ids")]


def test_a_parameter_is_percent_decoded_and_keeps_its_plus() -> None:
    faults = ValidationErrors()
    query = QueryFields("since_timestamp=2025-11-17T12%3A00:00+02:00&a&%62=c=d", faults)
    assert query.get("since_timestamp", Code.INVALID_TIMESTAMP) == "2025-11-17T12:00:00+02:00"
    assert query.get("a", Code.INVALID_FIELD) == ""
    assert query.get("b", Code.INVALID_FIELD) == "c=d"
    assert query.get("c", Code.INVALID_FIELD) is None
    assert query.has("a")
    assert not query.has("c")
    assert noted(faults) == []


def test_a_parameter_twice_is_refused_with_its_own_code() -> None:
    faults = ValidationErrors()
    assert QueryFields("order=asc&order=asc", faults).get("order", Code.INVALID_ORDER) is None
    assert noted(faults) == [(Code.INVALID_ORDER, "order")]


@pytest.mark.parametrize(
    ("query", "limit"), [("", 50), ("limit=1", 1), ("limit=100", 100), ("limit=0007", 7)]
)
def test_a_limit_is_1_to_100_and_50_by_default(query: str, limit: int) -> None:
    faults = ValidationErrors()
    assert QueryFields(query, faults).limit() == limit
    assert noted(faults) == []


@pytest.mark.parametrize(
    "value",
    ["", "0", "101", "-1", "+1", "1.0", "ten", "1e1", "%20", "%D9%A3", "%C2%B2", "9" * 5000],
)
def test_any_other_limit_is_refused(value: str) -> None:
    faults = ValidationErrors()
    QueryFields(f"limit={value}", faults).limit()
    assert noted(faults) == [(Code.INVALID_LIMIT, "limit")]
    assert len(detail(faults)) < 200


def test_a_cursor_is_checked_before_it_is_used() -> None:
    def refuse(text: str) -> object:
        raise Refused.because(Code.INVALID_CURSOR, text, field="cursor")

    faults = ValidationErrors()
    assert QueryFields("cursor=abc", faults).cursor(lambda text: text) == "abc"
    assert QueryFields("", faults).cursor(refuse) is None
    assert noted(faults) == []
    assert QueryFields("cursor=abc", faults).cursor(refuse) is None
    assert noted(faults) == [(Code.INVALID_CURSOR, "cursor")]


def test_an_id_is_read_in_any_case() -> None:
    faults = ValidationErrors()
    assert identifier(str(ID).upper(), Code.INVALID_MESSAGE_ID, "message_id", faults) == ID
    assert path_identifier({"message_id": str(ID).upper()}, "message_id", faults) == ID
    assert noted(faults) == []


@pytest.mark.parametrize(
    "text", ["", "x", ID.hex, f"{{{ID}}}", f"urn:uuid:{ID}", f" {ID}", f"{ID}\n"]
)
def test_what_is_no_uuid_is_shown_back(text: str) -> None:
    faults = ValidationErrors()
    assert identifier(text, Code.INVALID_MESSAGE_ID, "message_id", faults) == NIL
    assert noted(faults) == [(Code.INVALID_MESSAGE_ID, "message_id")]
    assert f'"{text}"' in detail(faults)


def test_a_path_names_its_faults_by_the_parameter() -> None:
    faults = ValidationErrors()
    parameters = {"conversation_id": "x", "message_id": "y"}
    path_identifier(parameters, "message_id", faults)
    path_identifier(parameters, "conversation_id", faults)
    assert noted(faults) == [
        (Code.INVALID_CONVERSATION_ID, "conversation_id"),
        (Code.INVALID_MESSAGE_ID, "message_id"),
    ]


def test_of_many_bad_ids_the_first_is_told() -> None:
    faults = ValidationErrors()
    assert identifiers([str(ID), "x", "y"], Code.INVALID_FIELD, "message_ids", faults) == [ID]
    assert len(noted(faults)) == 1
    assert '"x"' in detail(faults)
