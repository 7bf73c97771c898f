import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from uuid import UUID, uuid4

import pytest

from angarium import logs
from angarium.domain.errors import StoreUnavailable
from angarium.services import presence as module
from angarium.services.presence import OnlineUsers, Presence, TimeoutWatcher
from tests.fakes.clock import ManualClock
from tests.fakes.presence import MemoryPresence
from tests.unit.services.log_lines import LogLines
from tests.waiting import until

ALICE, BOB, CAROL = uuid4(), uuid4(), uuid4()


class PendingPresence:
    """A store whose answers the test gives itself."""

    def __init__(self) -> None:
        self.touched: list[tuple[UUID, int]] = []
        self.asked: list[tuple[UUID, ...]] = []
        self.touches: list[Future[None]] = []
        self.lookups: list[Future[Mapping[UUID, int]]] = []

    def touch(self, user_id: UUID, seen_at: int) -> Future[None]:
        self.touched.append((user_id, seen_at))
        self.touches.append(Future())
        return self.touches[-1]

    def last_seen(self, user_ids: Sequence[UUID]) -> Future[Mapping[UUID, int]]:
        self.asked.append(tuple(user_ids))
        self.lookups.append(Future())
        return self.lookups[-1]


class RefusingPresence:
    """A store that fails at once."""

    def touch(self, user_id: UUID, seen_at: int) -> Future[None]:
        raise StoreUnavailable("not connected")

    def last_seen(self, user_ids: Sequence[UUID]) -> Future[Mapping[UUID, int]]:
        raise StoreUnavailable("not connected")


def test_a_user_is_noted_with_the_time_of_the_wall_clock(clock: ManualClock) -> None:
    store = PendingPresence()
    noted = Presence(store, 30, clock).note_online(ALICE)
    assert store.touched == [(ALICE, clock.now_ms())]
    assert noted is store.touches[0]


@pytest.mark.parametrize(("window", "interval"), [(30, 10), (3600, 10), (3, 1)])
def test_a_user_is_noted_again_only_after_the_interval(
    clock: ManualClock, window: float, interval: float
) -> None:
    store = PendingPresence()
    presence = Presence(store, window, clock)
    presence.note_online(ALICE)
    clock.advance(interval - 0.001)
    assert presence.note_online(ALICE) is None
    clock.advance(0.001)
    assert presence.note_online(ALICE) is not None
    assert [user_id for user_id, _ in store.touched] == [ALICE, ALICE]


def test_each_user_is_noted_apart(clock: ManualClock) -> None:
    store = PendingPresence()
    presence = Presence(store, 30, clock)
    presence.note_online(ALICE)
    presence.note_online(BOB)
    assert [user_id for user_id, _ in store.touched] == [ALICE, BOB]


def test_a_step_of_the_wall_clock_stops_no_note(clock: ManualClock) -> None:
    store = PendingPresence()
    presence = Presence(store, 30, clock)
    presence.note_online(ALICE)
    clock.step_wall(-3_600_000)
    clock.advance(10)
    assert presence.note_online(ALICE) is not None


def test_the_memory_of_noted_users_is_bounded(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_USERS", 2)
    presence = Presence(PendingPresence(), 30, clock)
    for user_id in (ALICE, BOB, CAROL):
        presence.note_online(user_id)
    assert presence.note_online(CAROL) is None
    assert presence.note_online(ALICE) is not None


def test_a_failure_is_logged_with_the_trace_of_its_request_and_never_raised(
    clock: ManualClock, lines: LogLines
) -> None:
    store = PendingPresence()
    presence = Presence(store, 30, clock)
    with logs.bound(trace_id="a" * 32):
        presence.note_online(ALICE)
    store.touches[0].set_exception(StoreUnavailable("node 3 is silent"))
    (line,) = lines.of("presence_not_noted")
    assert line["trace_id"] == "a" * 32
    assert line["user_id"] == ALICE
    assert line["error_type"] == "StoreUnavailable"


def test_a_store_that_fails_at_once_is_logged_and_not_asked_again_at_once(
    clock: ManualClock, lines: LogLines
) -> None:
    presence = Presence(RefusingPresence(), 30, clock)
    assert presence.note_online(ALICE) is None
    assert presence.note_online(ALICE) is None
    assert len(lines.of("presence_not_noted")) == 1


def test_of_the_users_whom_an_outage_leaves_unnoted_one_is_told_in_a_while(
    clock: ManualClock, lines: LogLines
) -> None:
    presence = Presence(RefusingPresence(), 30, clock)
    for _ in range(5):
        presence.note_online(uuid4())
    clock.advance(10.0)
    presence.note_online(uuid4())
    assert lines.levels("presence_not_noted") == ["WARNING"] + ["DEBUG"] * 4 + ["WARNING"]
    assert lines.of("presence_not_noted")[-1]["repeats"] == 4


def test_a_user_is_online_within_the_window_and_not_longer(clock: ManualClock) -> None:
    store = MemoryPresence()
    Presence(store, 30, clock).note_online(ALICE)
    clock.advance(29.999)
    assert OnlineUsers(store, 30, clock).find_online([ALICE, BOB]).result(10) == {ALICE}
    clock.advance(0.001)
    assert OnlineUsers(store, 30, clock).find_online([ALICE, BOB]).result(10) == frozenset()


def test_who_is_online_is_remembered_until_the_window_ends(clock: ManualClock) -> None:
    store = PendingPresence()
    users = OnlineUsers(store, 30, clock)
    answer = users.find_online([ALICE])
    store.lookups[0].set_result({ALICE: clock.now_ms() - 10_000})
    assert answer.result(10) == {ALICE}
    clock.advance(19.999)
    assert users.find_online([ALICE]).result(10) == {ALICE}
    assert len(store.asked) == 1
    clock.advance(0.001)
    users.find_online([ALICE])
    assert store.asked == [(ALICE,), (ALICE,)]


@pytest.mark.parametrize("step_ms", [-3_600_000, 3_600_000])
def test_a_step_of_the_wall_clock_does_not_change_how_long_someone_is_remembered(
    step_ms: int, clock: ManualClock
) -> None:
    store = PendingPresence()
    users = OnlineUsers(store, 30, clock)
    users.find_online([ALICE])
    store.lookups[0].set_result({ALICE: clock.now_ms()})
    clock.step_wall(step_ms)
    clock.advance(29)
    assert users.find_online([ALICE]).result(10) == {ALICE}
    assert len(store.asked) == 1
    clock.advance(1)
    users.find_online([ALICE])
    assert len(store.asked) == 2


def test_who_is_offline_is_asked_for_every_time(clock: ManualClock) -> None:
    store = PendingPresence()
    users = OnlineUsers(store, 30, clock)
    for _ in range(2):
        answer = users.find_online([ALICE])
        store.lookups[-1].set_result({})
        assert answer.result(10) == frozenset()
    assert len(store.asked) == 2


def test_who_is_offline_is_remembered_for_messages_from_before_the_look_up_only(
    clock: ManualClock,
) -> None:
    store = PendingPresence()
    users = OnlineUsers(store, 30, clock)
    taken_at = clock.monotonic()
    clock.advance(0.001)
    users.find_online([ALICE], taken_at)
    store.lookups[-1].set_result({})
    clock.advance(5)
    assert users.find_online([ALICE], taken_at).result(10) == frozenset()
    assert len(store.asked) == 1
    for later in (taken_at + 0.001, clock.monotonic(), None):
        users.find_online([ALICE], later)
        store.lookups[-1].set_exception(StoreUnavailable("no"))
    assert len(store.asked) == 4


def test_a_look_up_that_failed_is_no_sign_of_being_offline(clock: ManualClock) -> None:
    store = PendingPresence()
    users = OnlineUsers(store, 30, clock)
    taken_at = clock.monotonic()
    clock.advance(1)
    users.find_online([ALICE], taken_at)
    store.lookups[-1].set_exception(StoreUnavailable("no"))
    users.find_online([ALICE], taken_at)
    assert len(store.asked) == 2


def test_only_the_unknown_are_asked_for_and_each_once(clock: ManualClock) -> None:
    store = PendingPresence()
    users = OnlineUsers(store, 30, clock)
    users.find_online([ALICE])
    store.lookups[0].set_result({ALICE: clock.now_ms()})
    answer = users.find_online([BOB, ALICE, BOB])
    assert store.asked[1] == (BOB,)
    store.lookups[1].set_result({BOB: clock.now_ms()})
    assert answer.result(10) == {ALICE, BOB}


def test_an_instance_whose_clock_is_ahead_keeps_nobody_online_for_ever(clock: ManualClock) -> None:
    store = PendingPresence()
    users = OnlineUsers(store, 30, clock)
    users.find_online([ALICE])
    store.lookups[0].set_result({ALICE: clock.now_ms() + 3_600_000})
    clock.advance(30)
    users.find_online([ALICE])
    assert len(store.asked) == 2


def test_a_failed_lookup_means_offline_except_for_who_is_remembered(
    clock: ManualClock, lines: LogLines
) -> None:
    store = PendingPresence()
    users = OnlineUsers(store, 30, clock)
    users.find_online([ALICE])
    store.lookups[0].set_result({ALICE: clock.now_ms()})
    answer = users.find_online([ALICE, BOB])
    store.lookups[1].set_exception(StoreUnavailable("node 3 is silent"))
    assert answer.result(10) == {ALICE}
    (line,) = lines.of("presence_unknown")
    assert line["error_type"] == "StoreUnavailable"


def test_a_lookup_that_fails_at_once_means_offline(clock: ManualClock, lines: LogLines) -> None:
    assert (
        OnlineUsers(RefusingPresence(), 30, clock).find_online([ALICE]).result(10) == frozenset()
    )
    assert len(lines.of("presence_unknown")) == 1


def test_of_the_lookups_that_an_outage_fails_one_is_told_in_a_while(
    clock: ManualClock, lines: LogLines
) -> None:
    users = OnlineUsers(RefusingPresence(), 30, clock)
    for _ in range(5):
        users.find_online([ALICE])
    clock.advance(10.0)
    users.find_online([ALICE])
    assert lines.levels("presence_unknown") == ["WARNING"] + ["DEBUG"] * 4 + ["WARNING"]
    assert lines.of("presence_unknown")[-1]["repeats"] == 4


def test_a_slow_lookup_means_offline_and_still_serves_the_next(
    clock: ManualClock, lines: LogLines
) -> None:
    store = PendingPresence()
    users = OnlineUsers(store, 30, clock, timeout_s=0.01)
    assert users.find_online([ALICE]).result(10) == frozenset()
    store.lookups[0].set_result({ALICE: clock.now_ms()})
    assert users.find_online([ALICE]).result(10) == {ALICE}
    # It is logged after the answer, by another thread.
    until(lambda: lines.of("presence_unknown") != [], "a line says so")
    (line,) = lines.of("presence_unknown")
    assert line["error_type"] == "TimeoutError"


def test_nobody_to_look_up_asks_nobody(clock: ManualClock) -> None:
    store = PendingPresence()
    assert OnlineUsers(store, 30, clock).find_online([]).result(10) == frozenset()
    assert store.asked == []


def test_it_calls_back_when_the_time_is_over() -> None:
    called = threading.Event()
    TimeoutWatcher(0.01).watch(called.set)
    assert called.wait(10)


def test_it_calls_back_in_the_order_of_the_watches_and_serves_later_ones_too() -> None:
    patience = TimeoutWatcher(0.005)
    order: list[int] = []
    for _ in range(3):
        done = threading.Event()
        for number in range(5):
            patience.watch(partial(order.append, number))
        patience.watch(done.set)
        assert done.wait(10)
    assert order == [0, 1, 2, 3, 4] * 3


def test_many_threads_may_watch_at_once() -> None:
    patience = TimeoutWatcher(0.001)
    calls = threading.Semaphore(0)

    def watch() -> None:
        for _ in range(50):
            patience.watch(calls.release)

    threads = [threading.Thread(target=watch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    for _ in range(200):
        assert calls.acquire(timeout=10)


def test_where_no_thread_can_start_the_wait_ends_at_once_and_later_ones_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patience = TimeoutWatcher(0.01)
    ended = threading.Event()
    with monkeypatch.context() as refusing:
        refusing.setattr(threading.Thread, "start", refuse_to_start)
        patience.watch(ended.set)
    assert ended.is_set()
    later = threading.Event()
    patience.watch(later.set)
    assert later.wait(10)


def refuse_to_start(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")
