import gc
import weakref

from angarium.cli import heap

USUAL = gc.get_threshold()


def look_as_before() -> None:
    gc.unfreeze()
    gc.set_threshold(*USUAL)


class Node:
    """Something that can be part of a cycle."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_start_has_made_is_no_longer_looked_at() -> None:
    kept = Node()
    heap.settle()
    try:
        assert gc.get_freeze_count() > 0
        assert not any(each is kept for each in gc.get_objects())
    finally:
        look_as_before()


def test_requests_under_way_are_not_looked_at_again_and_again() -> None:
    heap.settle()
    try:
        gc.collect()
        looks = gc.get_stats()[0]["collections"]
        under_way: list[list[object]] = [[] for _ in range(heap.YOUNG // 2)]
        assert gc.get_stats()[0]["collections"] == looks
        assert under_way
    finally:
        look_as_before()


def test_what_comes_later_is_collected() -> None:
    heap.settle()
    try:
        later = weakref.ref(Node())
        gc.collect()
        assert later() is None
    finally:
        look_as_before()
