import threading
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import UUID

import pytest

from angarium.deadline import within
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.domain.user import User
from angarium.ports.message_log import Appended, MessageLog, NewRecord
from angarium.ports.users import UserStore
from tests.fakes.log import MemoryLog
from tests.fakes.users import MemoryUsers
from tests.faults import Faults, Kind

RECORD = NewRecord(b"k", b"v", {})
USER = User(UUID(int=1), "alice", "$cheap$1$2", 0)


@pytest.fixture
def store_faults() -> Faults:
    return Faults(StoreUnavailable)


@pytest.fixture
def log_faults() -> Faults:
    return Faults(LogUnavailable)


@pytest.fixture
def inner_users() -> MemoryUsers:
    return MemoryUsers()


@pytest.fixture
def inner_log() -> MemoryLog:
    return MemoryLog(partitions=1)


@pytest.fixture
def users(store_faults: Faults, inner_users: MemoryUsers) -> UserStore:
    return store_faults.around(inner_users)


@pytest.fixture
def log(log_faults: Faults, inner_log: MemoryLog) -> MessageLog:
    return log_faults.around(inner_log)


def is_down(future: "Future[Appended]") -> bool:
    return future.done() and isinstance(future.exception(), LogUnavailable)


def test_without_a_script_every_call_goes_through(
    users: UserStore, log: MessageLog, log_faults: Faults
) -> None:
    assert users.put(USER) == users.get(USER.user_id)
    assert log.append(RECORD).result().offset == 0
    assert log_faults.calls["append"] == 1
    assert not log_faults.injected


def test_a_scripted_failure_has_no_effect_and_ends_by_itself(
    users: UserStore, store_faults: Faults, inner_users: MemoryUsers
) -> None:
    store_faults.fail("put", times=2)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="injected: put, fail"):
            users.put(USER)
    assert inner_users.all() == []
    assert users.put(USER) == USER
    assert store_faults.injected == {("put", Kind.FAIL): 2}
    assert store_faults.calls["put"] == 3


def test_a_failure_of_an_asynchronous_call_is_in_its_future(
    log: MessageLog, log_faults: Faults, inner_log: MemoryLog
) -> None:
    log_faults.fail("append")
    assert is_down(log.append(RECORD))
    assert inner_log.records() == []
    assert log.append(RECORD).result().offset == 0


def test_a_failure_at_once_is_raised_by_an_asynchronous_call_too(
    log: MessageLog, log_faults: Faults
) -> None:
    log_faults.fail("append", at_once=True)
    with pytest.raises(LogUnavailable):
        log.append(RECORD)


def test_a_call_may_take_effect_and_then_fail(
    users: UserStore,
    store_faults: Faults,
    inner_users: MemoryUsers,
    log: MessageLog,
    log_faults: Faults,
    inner_log: MemoryLog,
) -> None:
    store_faults.fail_after_effect("put")
    with pytest.raises(StoreUnavailable):
        users.put(USER)
    assert inner_users.all() == [USER]
    log_faults.fail_after_effect("append")
    assert is_down(log.append(RECORD))
    assert len(inner_log.records()) == 1


def test_other_methods_work_meanwhile(users: UserStore, store_faults: Faults) -> None:
    store_faults.fail("put")
    assert users.get(USER.user_id) is None


def test_a_failure_may_come_later_or_for_chosen_arguments_only(
    log: MessageLog, log_faults: Faults
) -> None:
    log_faults.fail("append", skip=1, when=lambda record: record.key == b"k")
    outcomes = [
        is_down(log.append(NewRecord(key, b"", {}))) for key in (b"x", b"k", b"x", b"k", b"k")
    ]
    assert outcomes == [False, False, False, True, False]


def test_a_chosen_error_is_raised(users: UserStore, store_faults: Faults) -> None:
    store_faults.fail("put", error=RuntimeError("a fault of the engine"))
    with pytest.raises(RuntimeError, match="a fault of the engine"):
        users.put(USER)


def test_an_outage_lasts_until_it_is_healed(users: UserStore, store_faults: Faults) -> None:
    store_faults.outage()
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            users.all()
    store_faults.heal()
    assert users.all() == []


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_blocking_call_hangs_until_it_is_released(
    users: UserStore, store_faults: Faults, inner_users: MemoryUsers, after_effect: bool
) -> None:
    held = store_faults.hang("put", after_effect=after_effect)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(users.put, USER)
        held.wait_until_reached()
        assert not future.done()
        assert inner_users.all() == ([USER] if after_effect else [])
        held.release()
        assert future.result(30) == USER
    assert inner_users.all() == [USER]


@pytest.mark.parametrize("after_effect", [False, True])
def test_a_future_stays_open_until_it_is_released(
    log: MessageLog, log_faults: Faults, inner_log: MemoryLog, after_effect: bool
) -> None:
    held = log_faults.hang("append", times=2, after_effect=after_effect)
    futures = [log.append(RECORD) for _ in range(2)]
    held.wait_until_reached(2)
    assert not any(future.done() for future in futures)
    assert len(inner_log.records()) == (2 if after_effect else 0)
    held.release()
    assert [future.result(30).offset for future in futures] == [0, 1]


def test_what_hangs_may_end_in_failure(
    users: UserStore,
    store_faults: Faults,
    log: MessageLog,
    log_faults: Faults,
    inner_log: MemoryLog,
) -> None:
    held = log_faults.hang("append")
    future = log.append(RECORD)
    held.fail(LogUnavailable("gone"))
    assert is_down(future)
    assert inner_log.records() == []
    held = store_faults.hang("get")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(users.get, USER.user_id)
        held.wait_until_reached()
        held.fail(StoreUnavailable("gone"))
        with pytest.raises(StoreUnavailable, match="gone"):
            waiting.result(30)


def test_a_blocking_call_that_hangs_gives_up_when_the_deadline_is_over(
    users: UserStore, store_faults: Faults
) -> None:
    store_faults.hang("get")
    with within(0.01), pytest.raises(StoreUnavailable, match="hang"):
        users.get(USER.user_id)


def test_a_call_may_hang_past_its_deadline_as_none_should(
    users: UserStore, store_faults: Faults
) -> None:
    held = store_faults.hang("get", obeys_deadline=False)
    ended = threading.Event()

    def get() -> None:
        with within(0):
            users.get(USER.user_id)
        ended.set()

    thread = threading.Thread(target=get)
    thread.start()
    held.wait_until_reached()
    assert not ended.is_set()
    held.release()
    thread.join(30)
    assert ended.is_set()


def test_healing_releases_what_hangs(log: MessageLog, log_faults: Faults) -> None:
    log_faults.hang("append")
    future = log.append(RECORD)
    log_faults.heal()
    assert future.result(30).offset == 0


def test_a_future_that_its_caller_gave_up_is_left_alone(
    log: MessageLog, log_faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    held = log_faults.hang("append", times=2)
    first, second = log.append(RECORD), log.append(RECORD)
    assert first.cancel()
    held.release()
    assert second.result(30).partition == 0
    assert caplog.records == []


def test_chance_is_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[bool]:
        faults = Faults(LogUnavailable)
        log = faults.around(MemoryLog(partitions=1))
        faults.at_random(seed, before=0.3, after=0.3)
        return [is_down(log.append(RECORD)) for _ in range(100)]

    assert run(1) == run(1)
    assert run(1) != run(2)
    assert 20 < sum(run(1)) < 90


def test_chance_spares_the_methods_that_are_not_named(log: MessageLog, log_faults: Faults) -> None:
    log_faults.at_random(1, before=1.0, after=0.0, methods=["append"])
    log.check()
    assert is_down(log.append(RECORD))


def test_chance_lets_some_failures_take_effect(
    log: MessageLog, log_faults: Faults, inner_log: MemoryLog
) -> None:
    log_faults.at_random(3, before=0.3, after=0.3)
    failures = sum(is_down(log.append(RECORD)) for _ in range(200))
    without_effect = log_faults.injected["append", Kind.FAIL]
    after_effect = log_faults.injected["append", Kind.FAIL_AFTER_EFFECT]
    assert without_effect > 0
    assert after_effect > 0
    assert failures == without_effect + after_effect
    assert len(inner_log.records()) == 200 - without_effect


def test_attributes_that_are_no_methods_are_the_ports_own(log_faults: Faults) -> None:
    assert log_faults.around(MemoryLog(partitions=7)).partitions == 7
