"""SIGTERM reaches the program as process 1: it finishes what is in hand
and exits 0 within its grace.
"""

import pytest

from tests.compose.stack import Stack

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("service", ["api", "worker"])
def test_docker_stop_ends_an_instance_with_status_0(stack: Stack, service: str) -> None:
    stack.stop(stack.one(service, 2))

    stopped = stack.one(service, 2)
    assert (stopped.status, stopped.exit_code) == ("exited", 0)
    last = [line for line in stack.compose.logged(service) if line.container == stopped.name][-1]
    assert last.text("action") == "stopped"
    stack.start(stopped)


@pytest.mark.parametrize("service", ["api", "worker"])
def test_the_program_is_process_1_without_privileges(stack: Stack, service: str) -> None:
    script = "import os; print(os.getuid(), open('/proc/1/cmdline').read().split(chr(0))[1:3])"
    shown = stack.compose.docker("exec", stack.one(service).id, "python", "-c", script)
    assert shown.strip() == f"10001 ['/opt/angarium/bin/angarium', '{service}']"
