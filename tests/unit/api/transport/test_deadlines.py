from angarium.api.transport.deadlines import Waits


def test_those_who_waited_long_enough_are_overdue_in_the_order_of_coming() -> None:
    waits: Waits[str] = Waits(10)
    waits.join("a", 0)
    waits.join("b", 1)
    waits.join("c", 2)
    assert list(waits.overdue(9.9)) == []
    assert list(waits.overdue(11)) == ["a", "b"]
    assert list(waits) == ["c"]


def test_nobody_is_overdue_twice() -> None:
    waits: Waits[str] = Waits(10)
    waits.join("a", 0)
    assert list(waits.overdue(10)) == ["a"]
    assert list(waits.overdue(99)) == []


def test_joining_again_starts_the_wait_again() -> None:
    waits: Waits[str] = Waits(10)
    waits.join("a", 0)
    waits.join("b", 1)
    waits.join("a", 2)
    assert list(waits) == ["b", "a"]
    assert list(waits.overdue(11)) == ["b"]


def test_who_left_is_never_overdue() -> None:
    waits: Waits[str] = Waits(10)
    waits.join("a", 0)
    waits.leave("a")
    waits.leave("never came")
    assert list(waits.overdue(99)) == []
    assert len(waits) == 0


def test_others_may_come_and_go_while_the_overdue_are_told() -> None:
    waits: Waits[str] = Waits(10)
    waits.join("a", 0)
    waits.join("b", 0)
    told = []
    for waiter in waits.overdue(10):
        told.append(waiter)
        waits.leave("b")
        waits.join("c", 10)
    assert told == ["a"]
    assert list(waits) == ["c"]


def test_who_waits_longest_is_known_with_the_beginning() -> None:
    waits: Waits[str] = Waits(10)
    assert waits.longest() is None
    waits.join("a", 1)
    waits.join("b", 2)
    assert waits.longest() == ("a", 1)
    waits.join("a", 3)
    assert waits.longest() == ("b", 2)
