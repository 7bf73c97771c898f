"""`pytest --once-more FILE`: a test on real servers that fails runs
once more, alone, when all others are done.

One that passes then is a defect to mend, and named FLAKY at the end;
it does not fail the run. Anything else still does.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ON_SERVERS = {"balancer", "engines", "storm"}
"""The marks of tests whose outcome a busy machine may change. HAProxy
2.6 ended an answer of 98 KB 3 KB too early, once in some thirty runs
and never in 35,000 tries outside of them.
"""

MAX_TESTS = 8
"""More failures than these have one cause, and it is no accident."""

SECONDS = 900.0
"""For one test, with the start of its servers."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option.

    Args:
        parser: The runner's.
    """
    parser.addoption(
        "--once-more",
        metavar="FILE",
        type=Path,
        help="run failed tests on real servers once more, alone; FILE gets those that pass then,"
        " and is shown at the end with what earlier runs left in it",
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Run again what may have failed by accident.

    Args:
        session: Of all tests; where several processes share them, the
            one that has none.
    """
    file: Path | None = session.config.getoption("--once-more")
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if file is None or reporter is None or hasattr(session.config, "workerinput"):
        return
    failed = dict(_failed(reporter))
    again = [test for test, marks in failed.items() if marks & ON_SERVERS]
    if session.exitstatus != pytest.ExitCode.TESTS_FAILED or len(again) > MAX_TESTS:
        return
    passed = [test for test in again if _passes(test, session.config.rootpath)]
    with file.open("a") as listed:
        listed.writelines(f"{test}\n" for test in passed)
    # What fails the run without a failed test, such as too little
    # coverage, counts as one more.
    others = session.testsfailed - sum(len(reporter.stats.get(each, ())) for each in _KINDS)
    _excuse(reporter, passed)
    if others <= 0 and set(passed) == set(failed):
        session.exitstatus = pytest.ExitCode.OK


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name what passed the second time only.

    Args:
        terminalreporter: Writes it.
        config: Has the option.
    """
    file: Path | None = config.getoption("--once-more")
    for test in file.read_text().splitlines() if file and file.exists() else ():
        terminalreporter.write_line(f"FLAKY {test}", yellow=True, bold=True)


_KINDS = ("failed", "error")


def _failed(reporter: pytest.TerminalReporter) -> Iterator[tuple[str, set[str]]]:
    """Give every failed test with its marks."""
    for kind in _KINDS:
        for report in reporter.stats.get(kind, ()):
            # Keywords have the names of folders, too: the unit tests of
            # `engines` need no servers.
            is_unit = report.nodeid.startswith("tests/unit/")
            yield report.nodeid, set() if is_unit else set(getattr(report, "keywords", ()))


def _passes(test: str, root: Path) -> bool:
    """Run one test in a process of its own, and show what it says."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", _without_group(test)]
    # Neither measured nor taken for a part of this run.
    of_this_run = ("COVERAGE_", "COV_", "PYTEST_XDIST_", "PYTEST_CURRENT_")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(of_this_run)
    }
    print(f"\nOnce more, alone: {test}", flush=True)
    try:
        done = subprocess.run(command, cwd=root, env=environment, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _without_group(test: str) -> str:
    """Give a test's own id: pytest-xdist adds `@` and the group."""
    own, _, group = test.rpartition("@")
    return own if own and not group.endswith("]") else test


def _excuse(reporter: pytest.TerminalReporter, tests: Sequence[str]) -> None:
    """Count tests as flaky instead of as failed."""
    for kind in _KINDS:
        reports = reporter.stats.pop(kind, [])
        kept = [report for report in reports if report.nodeid not in tests]
        if kept:
            reporter.stats[kind] = kept
        excused = [report for report in reports if report.nodeid in tests]
        if excused:
            reporter.stats.setdefault("flaky", []).extend(excused)
