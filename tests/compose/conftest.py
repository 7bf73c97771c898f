"""The composed service, brought up once for all tests of this folder;
`make test-compose` runs them.
"""

import os
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.caller import Caller
from tests.compose.stack import INSTANCES, Stack
from tests.compose.start import Start

_figures = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_figures] = []


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.compose)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for figure in config.stash[_figures]:
        terminalreporter.write_line(f"MEASURED {figure}", bold=True)


def measured(kind: str, stack: Stack, config: pytest.Config) -> Start:
    start = Start.of(stack)
    config.stash[_figures].append(
        f"{kind} start of {len(stack.compose.containers())} containers: {start.seconds:.0f} s on "
        f"{os.cpu_count()} processors, load before it {start.load:.1f}"
    )
    return start


@pytest.fixture(scope="session")
def _stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        pytest.fail(
            "no container engine answers `docker info`; these tests need one", pytrace=False
        )
    stack = Stack()
    try:
        stack.build()
        yield stack
    finally:
        if request.session.testsfailed:
            print(stack.last_words())
        stack.down("--volumes")


@pytest.fixture(scope="session")
def cold_start(_stack: Stack, request: pytest.FixtureRequest) -> Start:
    """The first start: no volume, no topic, no table."""
    return measured("cold", _stack, request.config)


@pytest.fixture
def stack(_stack: Stack, cold_start: Start) -> Iterator[Stack]:
    """Three of each, all healthy; what a test stopped is started
    again.
    """
    yield _stack
    if not _stack.whole:
        _stack.scale(INSTANCES)


@pytest.fixture
def start_again(stack: Stack, request: pytest.FixtureRequest) -> Callable[[], Start]:
    """A start after `down`, on the volumes that are there."""
    return lambda: measured("warm", stack, request.config)


@pytest.fixture
def alice(stack: Stack) -> Iterator[Caller]:
    with Caller(stack.url) as caller:
        yield caller.log_in("alice")
