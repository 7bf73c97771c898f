import pytest

from angarium.engines.kafka.assignments import AssignmentTracker
from angarium.ports.message_log import Assignment, Position


@pytest.fixture
def assignments() -> AssignmentTracker:
    return AssignmentTracker()


def hold(assignments: AssignmentTracker, partition: int, offset: int = 0) -> Assignment:
    assignments.assign(partition)
    assignments.start(partition, Position(offset, -1))
    assignment = assignments.assignment(partition)
    assert assignment is not None
    return assignment


def test_a_partition_is_held_once_its_position_is_known(assignments: AssignmentTracker) -> None:
    assignments.assign(2)
    assert (assignments.starting, assignments.held, assignments.drain_changes()) == (
        (2,),
        (),
        ((), {}),
    )
    assignments.start(2, Position(7, 1))
    assert (assignments.starting, assignments.held) == ((), (2,))
    lost, gained = assignments.drain_changes()
    assert lost == ()
    assert list(gained.values()) == [Position(7, 1)]
    assert assignments.drain_changes() == ((), {})


def test_what_is_taken_is_lost_and_what_comes_back_is_another_hold(
    assignments: AssignmentTracker,
) -> None:
    first = hold(assignments, 1)
    assignments.drain_changes()
    assignments.revoke(1)
    second = hold(assignments, 1)
    lost, gained = assignments.drain_changes()
    assert lost == (first,)
    assert set(gained) == {second}
    assert first != second


def test_what_came_and_went_unseen_is_not_told(assignments: AssignmentTracker) -> None:
    hold(assignments, 1)
    assignments.revoke(1)
    assert assignments.drain_changes() == ((), {})


def test_a_restart_ends_the_hold_and_asks_for_the_position(assignments: AssignmentTracker) -> None:
    held = hold(assignments, 1)
    assignments.drain_changes()
    assignments.restart(1)
    assignments.restart(3)
    assert assignments.starting == (1,)
    assert assignments.drain_changes() == ((held,), {})


def test_only_positions_that_go_forward_under_a_hold_in_force_are_committed(
    assignments: AssignmentTracker,
) -> None:
    kept, taken = hold(assignments, 1, offset=5), hold(assignments, 2)
    assignments.revoke(2)
    assert assignments.ahead({kept: Position(5, 1), taken: Position(9, 1)}) == {}
    further = {kept: Position(6, 1)}
    assert assignments.ahead(further) == further
    assignments.record_committed(further)
    assert assignments.ahead(further) == {}
