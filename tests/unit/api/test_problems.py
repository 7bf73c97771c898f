import json
from collections.abc import Mapping

from angarium.api.interface import Response
from angarium.api.problem_kinds import KINDS
from angarium.api.problems import problem, refusal
from angarium.domain.errors import Code, Problem, Refused

TRACE = "0af7651916cd43dd8448eb211c80319c"


def document(response: Response) -> Mapping[str, object]:
    read: dict[str, object] = json.loads(response.body)
    return read


def test_every_code_has_its_status_and_title() -> None:
    assert set(KINDS) == set(Code)


def test_every_code_has_a_meaning_and_an_advice_of_its_own_in_whole_sentences() -> None:
    for kind in KINDS.values():
        for text in (kind.meaning, kind.advice):
            assert text[0].isupper() or text[0] == "`"
            assert text.endswith((".", "…"))
    assert len({kind.meaning for kind in KINDS.values()}) == len(KINDS)


def test_titles_are_told_apart() -> None:
    titles = [kind.title for kind in KINDS.values()]
    assert len(set(titles)) == len(titles)


def test_a_problem_document_has_the_members_of_rfc_9457_and_ours() -> None:
    response = problem(Code.EMPTY_CONTENT, "The text is empty.", TRACE)
    assert response.status == 400
    assert response.content_type == "application/problem+json"
    assert document(response) == {
        "type": "/problems#empty_content",
        "title": "The text is empty",
        "status": 400,
        "detail": "The text is empty.",
        "code": "empty_content",
        "trace_id": TRACE,
    }


def test_one_wrong_field_is_answered_with_its_own_status() -> None:
    response = refusal(Refused.because(Code.SENDER_MISMATCH, "no", field="sender_id"), TRACE)
    assert response.status == 403
    assert "errors" not in document(response)


def test_several_wrong_fields_are_400_with_the_first_code_and_all_of_them_listed() -> None:
    refused = Refused(
        Problem(Code.SENDER_MISMATCH, "not you", "sender_id"),
        Problem(Code.CONTENT_TOO_LARGE, "too long", "content"),
    )
    response = refusal(refused, TRACE)
    read = document(response)
    assert response.status == read["status"] == 400
    assert read["code"] == "sender_mismatch"
    assert read["errors"] == [
        {"field": "sender_id", "detail": "not you"},
        {"field": "content", "detail": "too long"},
    ]
    assert read["detail"] == (
        "2 fields are wrong: sender_id and content. `errors` says what to do about each."
    )


def test_several_missing_things_stay_404() -> None:
    refused = Refused(Problem(Code.MESSAGE_NOT_FOUND, "a"), Problem(Code.MESSAGE_NOT_FOUND, "b"))
    assert refusal(refused, TRACE).status == 404


def test_every_503_says_when_to_come_back() -> None:
    for code in (Code.STORE_UNAVAILABLE, Code.LOG_UNAVAILABLE, Code.OVERLOADED):
        assert ("Retry-After", "1") in problem(code, "later", TRACE).headers


def test_a_throttled_login_says_when_to_come_back() -> None:
    refused = Refused.because(Code.TOO_MANY_ATTEMPTS, "wait", retry_after=37)
    response = refusal(refused, TRACE)
    assert response.status == 429
    assert ("Retry-After", "37") in response.headers


def test_a_401_challenges_in_one_of_three_ways() -> None:
    assert problem(Code.MISSING_TOKEN, "", TRACE).headers == (("WWW-Authenticate", "Bearer"),)
    assert problem(Code.INVALID_CREDENTIALS, "", TRACE).headers == (
        ("WWW-Authenticate", "Bearer"),
    )
    for code in (Code.INVALID_TOKEN, Code.EXPIRED_TOKEN):
        assert problem(code, "", TRACE).headers == (
            ("WWW-Authenticate", 'Bearer error="invalid_token"'),
        )
