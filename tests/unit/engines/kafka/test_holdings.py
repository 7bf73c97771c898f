import pytest

from angarium.engines.kafka.holdings import Holdings
from angarium.ports.message_log import Assignment, Position


@pytest.fixture
def holdings() -> Holdings:
    return Holdings()


def hold(holdings: Holdings, partition: int, offset: int = 0) -> Assignment:
    holdings.give(partition)
    holdings.start(partition, Position(offset, -1))
    assignment = holdings.assignment(partition)
    assert assignment is not None
    return assignment


def test_a_partition_is_held_once_its_position_is_known(holdings: Holdings) -> None:
    holdings.give(2)
    assert (holdings.starting, holdings.held, holdings.news()) == ((2,), (), ((), {}))
    holdings.start(2, Position(7, 1))
    assert (holdings.starting, holdings.held) == ((), (2,))
    lost, gained = holdings.news()
    assert lost == ()
    assert list(gained.values()) == [Position(7, 1)]
    assert holdings.news() == ((), {})


def test_what_is_taken_is_lost_and_what_comes_back_is_another_hold(holdings: Holdings) -> None:
    first = hold(holdings, 1)
    holdings.news()
    holdings.take(1)
    second = hold(holdings, 1)
    lost, gained = holdings.news()
    assert lost == (first,)
    assert set(gained) == {second}
    assert first != second


def test_what_came_and_went_unseen_is_not_told(holdings: Holdings) -> None:
    hold(holdings, 1)
    holdings.take(1)
    assert holdings.news() == ((), {})


def test_a_restart_ends_the_hold_and_asks_for_the_position(holdings: Holdings) -> None:
    held = hold(holdings, 1)
    holdings.news()
    holdings.restart(1)
    holdings.restart(3)
    assert holdings.starting == (1,)
    assert holdings.news() == ((held,), {})


def test_only_positions_that_go_forward_under_a_hold_in_force_are_committed(holdings: Holdings) -> None:
    kept, taken = hold(holdings, 1, offset=5), hold(holdings, 2)
    holdings.take(2)
    assert holdings.ahead({kept: Position(5, 1), taken: Position(9, 1)}) == {}
    further = {kept: Position(6, 1)}
    assert holdings.ahead(further) == further
    holdings.committed(further)
    assert holdings.ahead(further) == {}
