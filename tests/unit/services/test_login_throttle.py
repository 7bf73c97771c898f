import threading
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.errors import Code, Refused
from angarium.services import login_throttle as module
from angarium.services.login_throttle import Attempt, LoginThrottle
from tests.fakes.clock import ManualClock

HOME, OFFICE = "192.0.2.1", "2001:db8::1"


@pytest.fixture
def throttle(clock: ManualClock) -> LoginThrottle:
    return LoginThrottle(attempts=3, window_s=60, clock=clock)


def fail(
    throttle: LoginThrottle, times: int, username: str = "alice", address: str = HOME
) -> None:
    for _ in range(times):
        throttle.start(username, address).fail()


def retry_after(
    throttle: LoginThrottle, username: str = "alice", address: str = HOME
) -> int | None:
    """Try once: the seconds to wait, None when the attempt is heard
    (and taken back).
    """
    refusal = refusal_of(throttle, username, address)
    if refusal is None:
        return None
    assert refusal.problems[0].code == Code.TOO_MANY_ATTEMPTS
    assert refusal.retry_after is not None
    return refusal.retry_after


def refusal_of(throttle: LoginThrottle, username: str, address: str) -> Refused | None:
    try:
        throttle.start(username, address).abandon()
    except Refused as refusal:
        return refusal
    return None


def test_so_many_failures_are_heard_and_no_more(throttle: LoginThrottle) -> None:
    fail(throttle, 2)
    assert retry_after(throttle) is None
    fail(throttle, 1)
    assert retry_after(throttle) == 60


def test_the_window_slides(throttle: LoginThrottle, clock: ManualClock) -> None:
    fail(throttle, 1)
    clock.advance(20)
    fail(throttle, 2)
    assert retry_after(throttle) == 40
    clock.advance(39.5)
    assert retry_after(throttle) == 1
    clock.advance(0.5)
    assert retry_after(throttle) is None
    fail(throttle, 1)
    assert retry_after(throttle) == 20


def test_a_refused_attempt_does_not_prolong_the_wait(
    throttle: LoginThrottle, clock: ManualClock
) -> None:
    fail(throttle, 3)
    for _ in range(50):
        clock.advance(1)
        assert retry_after(throttle) is not None
    clock.advance(10)
    assert retry_after(throttle) is None


def test_nobody_can_lock_a_user_out_from_elsewhere(throttle: LoginThrottle) -> None:
    fail(throttle, 3, address=HOME)
    assert retry_after(throttle, address=OFFICE) is None


def test_other_users_at_one_address_are_heard(throttle: LoginThrottle) -> None:
    fail(throttle, 3, "alice")
    assert retry_after(throttle, "bob") is None


def test_an_address_may_fail_ten_times_as_often_in_all(throttle: LoginThrottle) -> None:
    for number in range(30):
        assert retry_after(throttle, "somebody new") is None
        fail(throttle, 1, f"user{number}")
    assert retry_after(throttle, "somebody new") == 60
    assert retry_after(throttle, "somebody new", OFFICE) is None


def test_a_success_clears_the_pair(throttle: LoginThrottle) -> None:
    fail(throttle, 2)
    throttle.start("alice", HOME).succeed()
    fail(throttle, 2)
    assert retry_after(throttle) is None


def test_a_success_clears_no_other_failures_of_the_address(throttle: LoginThrottle) -> None:
    for number in range(29):
        fail(throttle, 1, f"user{number}")
    throttle.start("alice", HOME).succeed()
    fail(throttle, 1, "one more")
    assert retry_after(throttle, "bob") == 60


def test_successes_never_add_up(throttle: LoginThrottle) -> None:
    for _ in range(100):
        throttle.start("alice", HOME).succeed()
    assert retry_after(throttle) is None


def test_an_abandoned_attempt_does_not_count(throttle: LoginThrottle) -> None:
    for _ in range(100):
        throttle.start("alice", HOME).abandon()
    fail(throttle, 2)
    assert retry_after(throttle) is None


@pytest.mark.parametrize("names", [["alice"], [f"user{number}" for number in range(40)]])
def test_logins_that_succeed_at_once_are_never_told_that_they_failed(
    throttle: LoginThrottle, names: list[str]
) -> None:
    for _ in range(2):
        begun: list[Attempt] = []
        refusals: list[Refused] = []
        for name in names * (120 // len(names)):
            try:
                begun.append(throttle.start(name, HOME))
            except Refused as refusal:
                refusals.append(refusal)
        assert len(begun) == min(3 * len(names), 30)
        assert {refusal.problems[0].code for refusal in refusals} == {Code.OVERLOADED}
        assert {refusal.retry_after for refusal in refusals} == {1}
        for attempt in begun:
            attempt.succeed()


def test_attempts_under_way_leave_room_for_no_more_failures_than_allowed(
    throttle: LoginThrottle,
) -> None:
    fail(throttle, 1)
    begun = [throttle.start("alice", HOME) for _ in range(2)]
    full = refusal_of(throttle, "alice", HOME)
    assert full is not None
    assert full.problems[0].code == Code.OVERLOADED
    begun[0].abandon()
    begun[1].fail()
    assert retry_after(throttle) is None
    fail(throttle, 1)
    assert retry_after(throttle) == 60


def test_failures_are_told_before_attempts_in_progress(throttle: LoginThrottle) -> None:
    for number in range(27):
        throttle.start(f"user{number}", HOME)
    fail(throttle, 3)
    assert retry_after(throttle) == 60


def test_a_failure_counts_from_when_it_was_known(
    throttle: LoginThrottle, clock: ManualClock
) -> None:
    begun = [throttle.start("alice", HOME) for _ in range(3)]
    clock.advance(50)
    for attempt in begun:
        attempt.fail()
    clock.advance(20)
    assert retry_after(throttle) == 40


def test_of_two_hundred_parallel_guesses_no_more_are_heard_than_allowed(
    clock: ManualClock,
) -> None:
    throttle = LoginThrottle(attempts=5, window_s=60, clock=clock)
    heard = threading.Semaphore(0)
    refused = threading.Semaphore(0)
    together = threading.Barrier(20)

    def guess() -> None:
        together.wait(30)
        for _ in range(10):
            try:
                attempt = throttle.start("alice", HOME)
            except Refused:
                refused.release()
            else:
                heard.release()
                attempt.fail()

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(heard.acquire(blocking=False) for _ in range(200)) == 5
    assert sum(refused.acquire(blocking=False) for _ in range(200)) == 195
    assert retry_after(throttle) == 60


def test_addresses_of_one_ipv6_network_count_as_one(throttle: LoginThrottle) -> None:
    # A single household or machine is given a /64.
    for number in range(3):
        fail(throttle, 1, address=f"2001:db8:0:1:{number:x}::7")
    assert retry_after(throttle, address="2001:db8:0:1:ffff::1") == 60
    assert retry_after(throttle, address="2001:db8:0:2::1") is None


@pytest.mark.parametrize("address", ["", "somewhere", "fe80::1%eth0", "192.0.2.1"])
def test_any_address_is_counted(throttle: LoginThrottle, address: str) -> None:
    fail(throttle, 3, address=address)
    assert retry_after(throttle, address=address) == 60


def test_two_guesses_never_slip_through_one_gap() -> None:
    class Meeting(LoginThrottle):
        """Lets whoever has found room wait a moment for another who
        finds the same.
        """

        together = threading.Barrier(2)

        def _wait(self, key: tuple[str, bytes], limit: int, now: float) -> float:
            room = super()._wait(key, limit, now)
            with suppress(threading.BrokenBarrierError):
                self.together.wait(0.2)
            return room

    throttle = Meeting(attempts=1, window_s=60, clock=ManualClock())
    refusals: list[Refused | None] = []

    def guess() -> None:
        try:
            throttle.start("alice", HOME)
        except Refused as refusal:
            refusals.append(refusal)
        else:
            refusals.append(None)

    threads = [threading.Thread(target=guess) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(refusals) == 2
    assert refusals.count(None) == 1


def test_a_step_of_the_wall_clock_changes_nothing(
    throttle: LoginThrottle, clock: ManualClock
) -> None:
    fail(throttle, 3)
    clock.step_wall(3_600_000)
    assert retry_after(throttle) == 60


def test_any_text_may_be_a_username(throttle: LoginThrottle) -> None:
    for username in ("", "\ud800", "x" * 100_000):
        fail(throttle, 3, username)
        assert retry_after(throttle, username) == 60


def test_the_memory_is_bounded(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_KEYS", 10)
    throttle = LoginThrottle(attempts=1, window_s=60, clock=clock)
    for number in range(50):
        fail(throttle, 1, "alice", f"192.0.2.{number}")
    assert len(throttle._failures) == 10
    assert retry_after(throttle, address="192.0.2.49") == 60


def test_what_is_over_is_forgotten(throttle: LoginThrottle, clock: ManualClock) -> None:
    fail(throttle, 3)
    clock.advance(60)
    assert retry_after(throttle) is None
    assert len(throttle._failures) == 0
    assert len(throttle._in_progress) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["fail", "succeed", "abandon"]), st.integers(0, 30)), max_size=60
    )
)
def test_no_window_ever_holds_more_failures_than_allowed(steps: list[tuple[str, int]]) -> None:
    clock = ManualClock()
    throttle = LoginThrottle(attempts=3, window_s=60, clock=clock)
    failures: list[float] = []
    for outcome, pause in steps:
        clock.advance(pause)
        recent = [moment for moment in failures if moment + 60 > clock.monotonic()]
        if len(recent) == 3:
            assert retry_after(throttle) == recent[0] + 60 - clock.monotonic()
            continue
        attempt = throttle.start("alice", HOME)
        if outcome == "fail":
            attempt.fail()
            failures.append(clock.monotonic())
        elif outcome == "succeed":
            attempt.succeed()
            failures.clear()
        else:
            attempt.abandon()
