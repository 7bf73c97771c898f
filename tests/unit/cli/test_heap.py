import gc
import weakref

from angarium.cli import heap


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
        gc.unfreeze()


def test_what_comes_later_is_collected() -> None:
    heap.settle()
    try:
        later = weakref.ref(Node())
        gc.collect()
        assert later() is None
    finally:
        gc.unfreeze()
