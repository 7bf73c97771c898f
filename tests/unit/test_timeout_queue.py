from angarium.timeout_queue import TimeoutQueue


def test_those_who_waited_long_enough_are_overdue_in_the_order_of_coming() -> None:
    waits: TimeoutQueue[str] = TimeoutQueue(10)
    waits.add("a", 0)
    waits.add("b", 1)
    waits.add("c", 2)
    assert list(waits.pop_expired(9.9)) == []
    assert list(waits.pop_expired(11)) == ["a", "b"]
    assert list(waits) == ["c"]


def test_nobody_is_overdue_twice() -> None:
    waits: TimeoutQueue[str] = TimeoutQueue(10)
    waits.add("a", 0)
    assert list(waits.pop_expired(10)) == ["a"]
    assert list(waits.pop_expired(99)) == []


def test_joining_again_starts_the_wait_again() -> None:
    waits: TimeoutQueue[str] = TimeoutQueue(10)
    waits.add("a", 0)
    waits.add("b", 1)
    waits.add("a", 2)
    assert list(waits) == ["b", "a"]
    assert list(waits.pop_expired(11)) == ["b"]


def test_who_left_is_never_overdue() -> None:
    waits: TimeoutQueue[str] = TimeoutQueue(10)
    waits.add("a", 0)
    assert waits.remove("a")
    assert not waits.remove("never came")
    assert list(waits.pop_expired(99)) == []
    assert len(waits) == 0


def test_others_may_come_and_go_while_the_overdue_are_told() -> None:
    waits: TimeoutQueue[str] = TimeoutQueue(10)
    waits.add("a", 0)
    waits.add("b", 0)
    told = []
    for waiter in waits.pop_expired(10):
        told.append(waiter)
        waits.remove("b")
        waits.add("c", 10)
    assert told == ["a"]
    assert list(waits) == ["c"]


def test_whether_anybody_is_overdue_is_known_before_they_are_told() -> None:
    waits: TimeoutQueue[str] = TimeoutQueue(10)
    assert not waits.is_due(100)
    waits.add("a", 1)
    assert not waits.is_due(10.9)
    assert waits.is_due(11)
    assert list(waits) == ["a"]


def test_who_waits_longest_is_known_with_the_beginning() -> None:
    waits: TimeoutQueue[str] = TimeoutQueue(10)
    assert waits.longest() is None
    waits.add("a", 1)
    waits.add("b", 2)
    assert waits.longest() == ("a", 1)
    waits.add("a", 3)
    assert waits.longest() == ("b", 2)


def test_who_stops_early_gets_one_and_leaves_the_others_overdue() -> None:
    waits: TimeoutQueue[str] = TimeoutQueue(10)
    waits.add("a", 0)
    waits.add("b", 0)
    assert list(waits.pop_expired(10, lambda: True)) == ["a"]
    assert waits.is_due(10)
    assert list(waits.pop_expired(10, lambda: False)) == ["b"]
