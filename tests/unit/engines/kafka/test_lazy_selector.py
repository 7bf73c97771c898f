import os
import socket
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector, SelectorKey
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.engines.kafka.lazy_selector import LazySelector

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

BOTH = EVENT_READ | EVENT_WRITE
BOUND = 10.0

Pair = tuple[socket.socket, socket.socket]


class System(DefaultSelector):
    """The system's selector, and what it was told and asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []
        self.waits: list[float | None] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def register(self, fileobj: "FileDescriptorLike", events: int, data: object = None) -> SelectorKey:
        self.calls.append("register")
        return super().register(fileobj, events, data)

    def unregister(self, fileobj: "FileDescriptorLike") -> SelectorKey:
        self.calls.append("unregister")
        return super().unregister(fileobj)

    def modify(self, fileobj: "FileDescriptorLike", events: int, data: object = None) -> SelectorKey:
        self.calls.append("modify")
        return super().modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        self.calls.append("select")
        self.waits.append(timeout)
        found = super().select(timeout)
        self.meanwhile()
        return found


@pytest.fixture
def system() -> System:
    return System()


@pytest.fixture
def selector(system: System) -> Iterator[LazySelector]:
    with closing(LazySelector(system)) as selector:
        yield selector


@pytest.fixture
def pair() -> Iterator[Pair]:
    with ExitStack() as ending:
        yield _pair(ending)


def _pair(ending: ExitStack) -> Pair:
    near, far = socket.socketpair()
    ending.callback(near.close)
    ending.callback(far.close)
    near.setblocking(False)
    return near, far


def _fill(near: socket.socket) -> None:
    try:
        while near.send(b"x" * 65_536):
            pass
    except BlockingIOError:
        return


def _ready(found: Sequence[tuple[SelectorKey, int]]) -> list[tuple[object, int]]:
    return [(key.data, events) for key, events in found]


def test_a_socket_is_told_of_when_there_is_something_to_read(selector: LazySelector, pair: Pair) -> None:
    near, far = pair
    selector.register(near, EVENT_READ, "near")
    assert selector.select(0) == []
    far.send(b"answer")
    assert _ready(selector.select(BOUND)) == [("near", EVENT_READ)]


def test_the_system_is_told_when_it_is_asked(selector: LazySelector, system: System, pair: Pair) -> None:
    selector.register(pair[0], EVENT_READ)
    assert system.calls == []
    selector.select(0)
    assert system.calls == ["register", "select"]


def test_watching_again_what_was_just_left_tells_the_system_nothing(
    selector: LazySelector, system: System, pair: Pair
) -> None:
    near, far = pair
    selector.register(near, EVENT_READ, "once")
    selector.select(0)
    selector.unregister(near)
    selector.register(near, EVENT_READ, "again")
    far.send(b"answer")
    assert _ready(selector.select(BOUND)) == [("again", EVENT_READ)]
    assert system.calls == ["register", "select", "select"]


def test_what_is_left_is_told_of_no_more(selector: LazySelector, system: System, pair: Pair) -> None:
    near, far = pair
    selector.register(near, EVENT_READ)
    selector.select(0)
    selector.unregister(near)
    far.send(b"answer")
    assert selector.select(0) == []
    assert system.calls == ["register", "select", "unregister", "select"]


def test_whether_a_new_socket_can_be_written_is_asked(selector: LazySelector, pair: Pair) -> None:
    near, _ = pair
    _fill(near)
    selector.register(near, EVENT_WRITE)
    assert selector.select(0) == []


def test_a_socket_that_could_be_written_is_said_to_be_so_again_without_asking(
    selector: LazySelector, system: System, pair: Pair
) -> None:
    near, _ = pair
    selector.register(near, BOTH, "connecting")
    assert _ready(selector.select(BOUND)) == [("connecting", EVENT_WRITE)]
    system.calls.clear()
    for _ in range(2):
        selector.modify(near, BOTH, "request")
        assert _ready(selector.select(BOUND)) == [("request", EVENT_WRITE)]
        selector.modify(near, EVENT_READ)
        assert selector.select(0) == []
    assert system.calls == ["modify", "select", "select"]


def test_one_that_could_be_written_before_says_nothing_of_another(selector: LazySelector, pair: Pair) -> None:
    near, _ = pair
    selector.register(near, BOTH, "known")
    selector.select(BOUND)
    with ExitStack() as ending:
        new, _ = _pair(ending)
        _fill(new)
        selector.register(new, BOTH, "new")
        assert _ready(selector.select(0)) == [("known", EVENT_WRITE)]
        assert _ready(selector.select(0)) == [("known", EVENT_WRITE)]


def test_a_socket_that_is_left_is_not_kept(selector: LazySelector) -> None:
    with ExitStack() as ending:
        near, _ = _pair(ending)
        selector.register(near, BOTH)
        selector.select(BOUND)
        selector.unregister(near)
        kept = weakref.ref(near)
    del near, ending
    selector.select(0)
    assert kept() is None


def test_of_a_socket_that_could_not_be_written_after_all_the_system_is_asked(
    selector: LazySelector, pair: Pair
) -> None:
    near, far = pair
    selector.register(near, BOTH)
    selector.select(BOUND)
    _fill(near)
    assert _ready(selector.select(0)) == [(None, EVENT_WRITE)]
    assert selector.select(0) == []
    far.recv(1 << 24)
    assert _ready(selector.select(BOUND)) == [(None, EVENT_WRITE)]


def test_what_is_there_to_read_is_not_kept_back_by_one_that_writes_without_end(
    selector: LazySelector, pair: Pair
) -> None:
    near, far = pair
    selector.register(near, BOTH)
    selector.select(BOUND)
    far.send(b"answer")
    found = [_ready(selector.select(BOUND)), _ready(selector.select(BOUND))]
    assert found == [[(None, EVENT_WRITE)], [(None, BOTH)]]


def test_a_number_that_another_socket_had_is_watched_for_its_new_one(
    selector: LazySelector, pair: Pair
) -> None:
    with ExitStack() as ending:
        old, _ = _pair(ending)
        selector.register(old, BOTH, "old")
        selector.select(BOUND)
        number = old.fileno()
        selector.unregister(old)
        near, far = pair
        old.detach()
        os.dup2(near.fileno(), number)
        new = socket.socket(fileno=number)
        ending.callback(new.close)
        _fill(new)
        selector.register(new, BOTH, "new")
        assert selector.select(0) == []
        far.send(b"answer")
        assert _ready(selector.select(BOUND)) == [("new", EVENT_READ)]


def test_a_socket_that_was_closed_without_a_word_stops_nobody(selector: LazySelector, pair: Pair) -> None:
    near, far = pair
    with ExitStack() as ending:
        other, _ = _pair(ending)
        selector.register(other, EVENT_READ)
        selector.select(0)
    selector.register(near, EVENT_READ, "near")
    far.send(b"answer")
    assert _ready(selector.select(BOUND)) == [("near", EVENT_READ)]
    selector.unregister(other)
    assert _ready(selector.select(BOUND)) == [("near", EVENT_READ)]


def test_a_socket_that_another_thread_leaves_meanwhile_is_not_told_of(
    selector: LazySelector, system: System, pair: Pair
) -> None:
    near, far = pair
    selector.register(near, EVENT_READ)
    system.meanwhile = lambda: selector.unregister(near)
    far.send(b"answer")
    assert selector.select(BOUND) == []


def test_whoever_reads_a_socket_that_cannot_be_watched_finds_out_at_once(
    selector: LazySelector, system: System
) -> None:
    with ExitStack() as ending:
        near, _ = _pair(ending)
        selector.register(near, EVENT_READ, "closed")
    assert _ready(selector.select(BOUND)) == [("closed", EVENT_READ)]
    assert system.waits == [0]
    selector.unregister(near)
    assert selector.select(0) == []


def test_whoever_writes_a_socket_that_was_closed_finds_out(selector: LazySelector) -> None:
    with ExitStack() as ending:
        near, _ = _pair(ending)
        selector.register(near, EVENT_READ, "open")
        selector.select(0)
    for _ in range(2):
        selector.modify(near, BOTH, "closed")
        assert _ready(selector.select(BOUND)) == [("closed", BOTH)]
    selector.unregister(near)
    assert selector.select(0) == []


def test_a_closed_socket_cannot_be_registered(selector: LazySelector) -> None:
    with ExitStack() as ending:
        near, _ = _pair(ending)
    with pytest.raises(ValueError, match="Invalid file descriptor: -1"):
        selector.register(near, EVENT_READ)


def test_what_is_watched_can_be_looked_up(selector: LazySelector, pair: Pair) -> None:
    near, far = pair
    key = selector.register(near, EVENT_READ, "near")
    assert key == SelectorKey(near, near.fileno(), EVENT_READ, "near")
    assert selector.get_key(near) == key
    assert dict(selector.get_map()) == {near: key}
    with pytest.raises(KeyError):
        selector.get_key(far)
    with pytest.raises(KeyError):
        selector.unregister(far)
    with pytest.raises(KeyError):
        selector.modify(far, EVENT_READ)
    with pytest.raises(KeyError):
        selector.register(near, EVENT_READ)
    with pytest.raises(ValueError, match="Invalid events"):
        selector.register(far, 0)


MOVES = st.lists(
    st.tuples(
        st.sampled_from(["watch", "leave", "arrive", "take"]),
        st.integers(0, 2),
        st.sampled_from([EVENT_READ, EVENT_WRITE, BOTH]),
    ),
    max_size=25,
)


@given(MOVES)
def test_it_tells_of_what_the_system_tells_of(moves: list[tuple[str, int, int]]) -> None:
    with ExitStack() as ending:
        lazy = ending.enter_context(closing(LazySelector()))
        eager = ending.enter_context(closing(DefaultSelector()))
        pairs = [_pair(ending) for _ in range(3)]
        for move, which, events in moves:
            near, far = pairs[which]
            if move == "watch":
                for each in (lazy, eager):
                    (each.modify if near in each.get_map() else each.register)(near, events, which)
            elif move == "leave" and near in eager.get_map():
                lazy.unregister(near)
                eager.unregister(near)
            elif move == "arrive":
                far.send(b"x")
            elif move == "take":
                near.setblocking(False)
                _drain(near)
            _agree(lazy, eager)


def _drain(near: socket.socket) -> None:
    try:
        while near.recv(4_096):
            pass
    except BlockingIOError:
        return


def _agree(lazy: LazySelector, eager: DefaultSelector) -> None:
    truth = sorted(_pairs(eager.select(0)))
    first = sorted(_pairs(lazy.select(0)))
    if first != truth:
        # Some were said to be writable without asking; what is there to read comes with the next answer.
        assert set(first) <= {(which, EVENT_WRITE) for which, events in truth if events & EVENT_WRITE}
        assert sorted(_pairs(lazy.select(0))) == truth


def _pairs(found: Sequence[tuple[SelectorKey, int]]) -> list[tuple[int, int]]:
    return [(int(key.data), events) for key, events in found]
