from uuid import UUID

import pytest

from angarium.services.login_refusals import MAX_LINES, WINDOW_S, LoginRefusals
from tests.fakes.clock import ManualClock
from tests.unit.services.log_lines import LogLines

ALICE = UUID(int=1)


@pytest.fixture
def refusals(clock: ManualClock) -> LoginRefusals:
    return LoginRefusals(clock)


def test_seldom_failures_are_each_told_in_full(
    refusals: LoginRefusals, clock: ManualClock, lines: LogLines
) -> None:
    for _ in range(3 * MAX_LINES):
        refusals.note("192.0.2.1", ALICE)
        refusals.report()
        clock.advance(WINDOW_S / MAX_LINES + 0.1)
    found = lines.of("login_refused")
    assert len(found) == 3 * MAX_LINES
    assert {(line["address"], line["user_id"]) for line in found} == {("192.0.2.1", ALICE)}


def test_a_flood_is_told_as_a_sum_with_its_worst_address(
    refusals: LoginRefusals, clock: ManualClock, lines: LogLines
) -> None:
    for number in range(1_000):
        refusals.note(f"192.0.2.{number % 4 and 1}", None)
        refusals.report()
    assert len(lines.of("login_refused")) == MAX_LINES
    clock.advance(WINDOW_S)
    refusals.report()
    told = lines.of("login_refused")[MAX_LINES:]
    assert [(line["failed"], line["addresses"], line["address"]) for line in told] == [
        (1_000 - MAX_LINES, 2, "192.0.2.1")
    ]


def test_a_flood_that_goes_on_is_one_line_a_window(
    refusals: LoginRefusals, clock: ManualClock, lines: LogLines
) -> None:
    for _ in range(600):
        for number in range(20):
            refusals.note(f"address {number}", None)
        clock.advance(0.1)
        refusals.report()
    assert MAX_LINES < len(lines.of("login_refused")) <= MAX_LINES + 60 / WINDOW_S + 1


def test_after_a_flood_failures_are_told_in_full_again(
    refusals: LoginRefusals, clock: ManualClock, lines: LogLines
) -> None:
    for _ in range(MAX_LINES + 1):
        refusals.note("192.0.2.1", None)
    clock.advance(WINDOW_S)
    refusals.report()
    clock.advance(WINDOW_S)
    refusals.note("192.0.2.1", ALICE)
    assert lines.of("login_refused")[-1]["user_id"] == ALICE


def test_none_is_lost_at_the_end(refusals: LoginRefusals, lines: LogLines) -> None:
    for _ in range(MAX_LINES + 2):
        refusals.note("192.0.2.1", None)
    refusals.report(at_once=True)
    assert lines.of("login_refused")[-1]["failed"] == 2


def test_what_is_counted_of_addresses_is_bounded(refusals: LoginRefusals, lines: LogLines) -> None:
    for number in range(5_000):
        refusals.note(f"address {number}", None)
    assert len(refusals._addresses) <= 1_000
    refusals.report(at_once=True)
    assert lines.of("login_refused")[-1]["failed"] == 5_000 - MAX_LINES
