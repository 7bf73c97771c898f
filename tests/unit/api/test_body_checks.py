import pytest

from angarium.api.body_checks import check_shape, is_form
from angarium.api.interface import MAX_BODY_BYTES, BodyRule
from angarium.api.request_headers import Headers
from angarium.domain.errors import Code, Refused

FORM = "application/x-www-form-urlencoded"


def refusal_of(rule: BodyRule, *fields: tuple[str, str]) -> Code | None:
    try:
        check_shape(rule, Headers(fields))
    except Refused as refused:
        return refused.problems[0].code
    return None


def test_a_json_body_needs_a_length() -> None:
    assert refusal_of(BodyRule.JSON) is Code.LENGTH_REQUIRED
    assert refusal_of(BodyRule.JSON, ("Content-Length", "2")) is None
    assert refusal_of(BodyRule.JSON, ("Transfer-Encoding", "chunked")) is None


def test_a_route_without_a_body_needs_no_length_and_no_type() -> None:
    assert refusal_of(BodyRule.NONE) is None
    assert (
        refusal_of(BodyRule.NONE, ("Content-Length", "2"), ("Content-Type", "text/plain")) is None
    )


@pytest.mark.parametrize("rule", list(BodyRule))
def test_no_route_takes_more_than_64_kib(rule: BodyRule) -> None:
    assert refusal_of(rule, ("Content-Length", str(MAX_BODY_BYTES))) is None
    assert refusal_of(rule, ("Content-Length", "000000065536")) is None
    assert refusal_of(rule, ("Content-Length", str(MAX_BODY_BYTES + 1))) is Code.BODY_TOO_LARGE
    assert refusal_of(rule, ("Content-Length", "9" * 5000)) is Code.BODY_TOO_LARGE


@pytest.mark.parametrize(
    "value",
    [
        "",
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; profile=x",
    ],
)
def test_json_in_utf_8_is_taken(value: str) -> None:
    assert refusal_of(BodyRule.JSON, ("Content-Length", "2"), ("Content-Type", value)) is None


@pytest.mark.parametrize(
    "value",
    [
        "text/plain",
        FORM,
        "application/jsonx",
        "application/json\xa0",
        "application/json; charset=latin-1",
        "json",
        "*/*",
    ],
)
def test_another_type_or_charset_is_not_supported(value: str) -> None:
    refused = refusal_of(BodyRule.JSON, ("Content-Length", "2"), ("Content-Type", value))
    assert refused is Code.UNSUPPORTED_MEDIA_TYPE


def test_two_types_are_not_supported_unless_they_are_one() -> None:
    json, other = ("Content-Type", "application/json"), ("Content-Type", FORM)
    length = ("Content-Length", "2")
    assert refusal_of(BodyRule.JSON, length, json, json) is None
    assert refusal_of(BodyRule.JSON_OR_FORM, length, json, other) is Code.UNSUPPORTED_MEDIA_TYPE


def test_an_encoded_body_is_not_supported() -> None:
    length = ("Content-Length", "2")
    assert (
        refusal_of(BodyRule.JSON, length, ("Content-Encoding", "gzip"))
        is Code.UNSUPPORTED_MEDIA_TYPE
    )
    identity = ("Content-Encoding", "identity")
    assert refusal_of(BodyRule.JSON, length, identity) is None
    assert (
        refusal_of(BodyRule.JSON, length, identity, ("Content-Encoding", "gzip"))
        is Code.UNSUPPORTED_MEDIA_TYPE
    )


def test_the_length_is_looked_at_before_the_size_and_the_size_before_the_type() -> None:
    text = ("Content-Type", "text/plain")
    assert refusal_of(BodyRule.JSON, text) is Code.LENGTH_REQUIRED
    assert refusal_of(BodyRule.JSON, text, ("Content-Length", "70000")) is Code.BODY_TOO_LARGE


@pytest.mark.parametrize(
    ("value", "form"),
    [(FORM, True), (f"{FORM}; charset=utf-8", True), ("application/json", False)],
)
def test_a_form_is_told_from_json(value: str, form: bool) -> None:
    headers = Headers([("Content-Length", "2"), ("Content-Type", value)])
    check_shape(BodyRule.JSON_OR_FORM, headers)
    assert is_form(headers) is form


def test_a_body_without_a_type_reads_as_json() -> None:
    assert is_form(Headers()) is False
