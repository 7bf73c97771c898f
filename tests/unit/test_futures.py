from concurrent.futures import Future

import pytest

from angarium import futures


def test_a_future_that_is_done_holds_its_result() -> None:
    assert futures.done(7).result(0) == 7


def test_a_future_that_failed_raises_its_error() -> None:
    failed: Future[int] = futures.failed(KeyError("gone"))
    with pytest.raises(KeyError, match="gone"):
        failed.result(0)


def test_the_first_answer_stands() -> None:
    answer: Future[int] = Future()
    assert futures.resolve_once(answer, 1)
    assert not futures.resolve_once(answer, 2)
    assert not futures.fail_once(answer, KeyError())
    assert answer.result(0) == 1


def test_an_error_that_came_first_stands_too() -> None:
    answer: Future[int] = Future()
    assert futures.fail_once(answer, KeyError())
    assert not futures.resolve_once(answer, 1)
    assert isinstance(answer.exception(0), KeyError)


@pytest.mark.parametrize("source", [futures.done(3), futures.failed(KeyError("gone"))])
def test_a_forwarded_future_ends_as_its_source(source: "Future[int]") -> None:
    target: Future[int] = Future()
    futures.forward(source, target)
    assert target.exception(0) is source.exception(0)
    if source.exception(0) is None:
        assert target.result(0) == 3
