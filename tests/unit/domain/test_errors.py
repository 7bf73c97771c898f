import pytest

from angarium.domain.errors import (
    Code,
    LogUnavailable,
    Problem,
    Refused,
    StoreUnavailable,
    Unavailable,
)


def test_a_refusal_shows_its_first_problem() -> None:
    refused = Refused(
        Problem(Code.MISSING_FIELD, "one", "a"), Problem(Code.INVALID_FIELD, "two", "b")
    )
    assert str(refused) == "one"
    assert [problem.field for problem in refused.problems] == ["a", "b"]
    assert refused.retry_after is None


def test_a_refusal_for_a_single_reason_keeps_all_of_it() -> None:
    refused = Refused.because(Code.TOO_MANY_ATTEMPTS, "wait", field="username", retry_after=7)
    assert refused.problems == (Problem(Code.TOO_MANY_ATTEMPTS, "wait", "username"),)
    assert refused.retry_after == 7


@pytest.mark.parametrize("outage", [LogUnavailable, StoreUnavailable])
def test_an_outage_is_no_refusal(outage: type[Exception]) -> None:
    assert issubclass(outage, Unavailable)
    assert not issubclass(outage, Refused)
