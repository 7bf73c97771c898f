import pytest

from angarium.api.request_headers import Headers, bearer_token
from angarium.domain.errors import Code, Refused


@pytest.mark.parametrize("value", ["Bearer abc", "bearer abc", "BEARER   abc", "Bearer\tabc"])
def test_a_token_is_found_whatever_the_case_of_the_scheme(value: str) -> None:
    assert bearer_token(Headers([("Authorization", value)])) == "abc"


@pytest.mark.parametrize("value", ["Bearer \xa0abc", "Bearer abc\xa0", "Bearer abc\x85"])
def test_what_only_looks_like_a_space_is_a_part_of_the_token(value: str) -> None:
    assert bearer_token(Headers([("Authorization", value)])) == value[7:]


@pytest.mark.parametrize("value", ["", "Basic YTpi", "abc", "Bearerabc", "Digest Bearer"])
def test_another_scheme_is_no_token(value: str) -> None:
    with pytest.raises(Refused) as caught:
        bearer_token(Headers([("Authorization", value)]))
    assert caught.value.problems[0].code is Code.MISSING_TOKEN


def test_no_field_is_no_token() -> None:
    with pytest.raises(Refused) as caught:
        bearer_token(Headers())
    assert caught.value.problems[0].code is Code.MISSING_TOKEN


@pytest.mark.parametrize(
    "values", [["Bearer"], ["Bearer "], ["Bearer a", "Bearer a"], ["Basic a", "Bearer a"]]
)
def test_an_empty_or_ambiguous_token_is_an_invalid_one(values: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        bearer_token(Headers([("Authorization", value) for value in values]))
    assert caught.value.problems[0].code is Code.INVALID_TOKEN
