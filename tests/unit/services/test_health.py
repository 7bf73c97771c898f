import threading
import time
from collections.abc import Callable, Iterator

import pytest

from angarium import deadline, logs
from angarium.clock import SystemClock
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.services.health import CheckResult, Health
from tests.fakes.clock import ManualClock
from tests.fakes.conversations import MemoryConversations
from tests.fakes.log import MemoryLog
from tests.unit.services.log_lines import LogLines


def nothing() -> None:
    return


class Log(MemoryLog):
    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self._check = check

    def check(self) -> None:
        self._check()


class Store(MemoryConversations):
    def __init__(self, check: Callable[[], None]) -> None:
        super().__init__()
        self._check = check

    def check(self) -> None:
        self._check()


def health(
    log: Callable[[], None] = nothing, store: Callable[[], None] = nothing, within: float = 10
) -> Health:
    return Health(Log(log), Store(store), SystemClock(), within)


class Hang:
    """A check that hangs until it is let go."""

    def __init__(self) -> None:
        self.begun = 0
        self.let_go = threading.Event()

    def __call__(self) -> None:
        self.begun += 1
        assert self.let_go.wait(60)


@pytest.fixture
def hang() -> Iterator[Hang]:
    hanging = Hang()
    yield hanging
    hanging.let_go.set()


def test_all_is_well_when_both_answer(lines: LogLines) -> None:
    report = health().report()
    assert list(report) == ["log", "store"]
    assert all(result.ok for result in report.values())
    assert lines.text() == ""


def test_the_latency_is_in_milliseconds(clock: ManualClock) -> None:
    def slow() -> None:
        clock.advance(0.25)

    report = Health(Log(slow), Store(nothing), clock, 10).report()
    assert report["log"] == CheckResult(True, 250.0)


def test_a_failure_is_reported_where_it_is_and_logged(lines: LogLines) -> None:
    def no_log() -> None:
        raise LogUnavailable("no broker")

    def no_store() -> None:
        raise StoreUnavailable("no node")

    report = health(log=no_log).report()
    assert (report["log"].ok, report["store"].ok) == (False, True)
    report = health(store=no_store).report()
    assert (report["log"].ok, report["store"].ok) == (True, False)
    assert [line["reason"] for line in lines.of("log_unavailable")] == ["no broker"]
    assert [line["reason"] for line in lines.of("store_unavailable")] == ["no node"]


def test_the_lines_of_a_failed_check_have_the_trace_of_the_request_that_began_it(
    lines: LogLines,
) -> None:
    def no_log() -> None:
        raise LogUnavailable("no broker")

    def broken() -> None:
        raise ZeroDivisionError

    with logs.bound(trace_id="t"):
        health(log=no_log, store=broken).report()
    assert [line["trace_id"] for line in lines.of("log_unavailable")] == ["t"]
    assert [line["trace_id"] for line in lines.of("check_failed")] == ["t"]


def test_a_check_that_breaks_is_a_failed_check(lines: LogLines) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    assert not health(log=broken).report()["log"].ok
    assert len(lines.of("check_failed")) == 1


def test_both_are_checked_at_once() -> None:
    together = threading.Barrier(2)

    def meet() -> None:
        together.wait(10)

    report = health(log=meet, store=meet).report()
    assert all(result.ok for result in report.values())


def test_a_check_that_hangs_delays_a_report_no_longer_than_its_bound(
    hang: Hang, lines: LogLines
) -> None:
    report = health(log=hang, within=0.05).report()
    assert report["log"] == CheckResult(False, 50.0)
    assert report["store"].ok
    assert len(lines.of("log_unavailable")) == 1


def test_a_check_that_hangs_is_not_begun_again(hang: Hang) -> None:
    checked = health(log=hang, within=0.02)
    for _ in range(5):
        assert not checked.report()["log"].ok
    assert hang.begun == 1


def test_a_check_that_hung_once_recovers(hang: Hang) -> None:
    checked = health(log=hang, within=0.02)
    assert not checked.report()["log"].ok
    hang.let_go.set()
    end = time.monotonic() + 10
    while not checked.report()["log"].ok:
        assert time.monotonic() < end


def test_every_report_checks_anew() -> None:
    answers = iter([True, False, True])

    def changing() -> None:
        if not next(answers):
            raise StoreUnavailable("no node")

    checked = health(store=changing)
    assert [checked.report()["store"].ok for _ in range(3)] == [True, False, True]


def test_checks_find_a_deadline_of_the_reports_bound() -> None:
    given: list[float] = []
    health(log=lambda: given.append(deadline.remaining(60.0)), within=7).report()
    assert 0 < given[0] <= 7


def test_a_check_that_others_may_share_is_not_bound_by_its_first_request_s_deadline() -> None:
    given: list[float] = []
    with deadline.within(1):
        health(log=lambda: given.append(deadline.remaining(60.0)), within=50).report()
    assert given[0] > 1


def test_a_report_is_bounded_to_one_second() -> None:
    given: list[float] = []
    Health(
        Log(nothing), Store(lambda: given.append(deadline.remaining(60.0))), SystemClock()
    ).report()
    assert 0 < given[0] <= 1


def test_an_outage_that_goes_on_is_told_once_in_a_while_however_often_is_asked(
    lines: LogLines,
) -> None:
    clock = ManualClock()

    def away() -> None:
        raise LogUnavailable("no broker answers")

    checked = Health(Log(away), Store(nothing), clock, 10)
    for _ in range(12):
        assert not checked.report()["log"].ok
        clock.advance(2.0)
    assert lines.levels("log_unavailable") == (["ERROR"] + ["DEBUG"] * 4) * 2 + ["ERROR", "DEBUG"]
    assert [line.get("repeats") for line in lines.of("log_unavailable")][::5] == [None, 4, 4]


def test_a_check_whose_thread_cannot_start_is_a_failed_check_and_the_next_one_is_tried(
    lines: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = health()

    def refuse_to_start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as refusing:
        refusing.setattr(threading.Thread, "start", refuse_to_start)
        report = checked.report()
    assert [result.ok for result in report.values()] == [False, False]
    for action in ("log_unavailable", "store_unavailable"):
        (line,) = lines.of(action)
        assert line["error_type"] == "RuntimeError"
    assert [result.ok for result in checked.report().values()] == [True, True]
