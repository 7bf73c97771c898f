from concurrent.futures import Future

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.rows import Rows
from angarium.engines.cassandra.session import _answered, _refused


def test_when_two_nodes_answer_the_first_one_stands() -> None:
    outcome: Future[Rows] = Future()
    _answered(outcome, [(1,)])
    _answered(outcome, [(2,)])
    _refused(outcome, OSError("late"))
    assert outcome.result(0) == [(1,)]


def test_when_one_node_refused_the_other_s_answer_changes_nothing() -> None:
    outcome: Future[Rows] = Future()
    _refused(outcome, OSError("gone"))
    _answered(outcome, [(1,)])
    assert isinstance(outcome.exception(0), StoreUnavailable)


def test_what_has_no_rows_is_answered_with_none() -> None:
    outcome: Future[Rows] = Future()
    _answered(outcome, None)
    assert list(outcome.result(0)) == []
