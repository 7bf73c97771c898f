from collections.abc import Iterator

import pytest

from angarium.deadline import remaining, within
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.contention import retry_on_contention
from angarium.engines.cassandra.errors import Contended


def test_a_contended_write_is_tried_until_it_is_settled() -> None:
    answers: Iterator[Contended | str] = iter([Contended("others"), Contended("others"), "done"])

    def write() -> str:
        answer = next(answers)
        if isinstance(answer, Contended):
            raise answer
        return answer

    assert retry_on_contention(write) == "done"


def test_an_outage_is_told_at_once() -> None:
    tries = []

    def write() -> None:
        tries.append(remaining(60.0))
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable, match="away"):
        retry_on_contention(write)
    (left,) = tries
    assert left <= 2.0


def test_contention_without_an_end_is_told_when_the_time_is_up() -> None:
    def write() -> None:
        raise Contended("others")

    with within(0.2), pytest.raises(StoreUnavailable):
        retry_on_contention(write)
