import pytest

from angarium.engines.kafka.assignments import AssignmentTracker
from angarium.ports.message_log import Assignment, Position


@pytest.fixture
def holdings() -> AssignmentTracker:
    return AssignmentTracker()


def hold(holdings: AssignmentTracker, partition: int, offset: int = 0) -> Assignment:
    holdings.assign(partition)
    holdings.start(partition, Position(offset, -1))
    assignment = holdings.assignment(partition)
    assert assignment is not None
    return assignment


def test_a_partition_is_held_once_its_position_is_known(holdings: AssignmentTracker) -> None:
    holdings.assign(2)
    assert (holdings.starting, holdings.held, holdings.drain_changes()) == ((2,), (), ((), {}))
    holdings.start(2, Position(7, 1))
    assert (holdings.starting, holdings.held) == ((), (2,))
    lost, gained = holdings.drain_changes()
    assert lost == ()
    assert list(gained.values()) == [Position(7, 1)]
    assert holdings.drain_changes() == ((), {})


def test_what_is_taken_is_lost_and_what_comes_back_is_another_hold(
    holdings: AssignmentTracker,
) -> None:
    first = hold(holdings, 1)
    holdings.drain_changes()
    holdings.revoke(1)
    second = hold(holdings, 1)
    lost, gained = holdings.drain_changes()
    assert lost == (first,)
    assert set(gained) == {second}
    assert first != second


def test_what_came_and_went_unseen_is_not_told(holdings: AssignmentTracker) -> None:
    hold(holdings, 1)
    holdings.revoke(1)
    assert holdings.drain_changes() == ((), {})


def test_a_restart_ends_the_hold_and_asks_for_the_position(holdings: AssignmentTracker) -> None:
    held = hold(holdings, 1)
    holdings.drain_changes()
    holdings.restart(1)
    holdings.restart(3)
    assert holdings.starting == (1,)
    assert holdings.drain_changes() == ((held,), {})


def test_only_positions_that_go_forward_under_a_hold_in_force_are_committed(
    holdings: AssignmentTracker,
) -> None:
    kept, taken = hold(holdings, 1, offset=5), hold(holdings, 2)
    holdings.revoke(2)
    assert holdings.ahead({kept: Position(5, 1), taken: Position(9, 1)}) == {}
    further = {kept: Position(6, 1)}
    assert holdings.ahead(further) == further
    holdings.committed(further)
    assert holdings.ahead(further) == {}
