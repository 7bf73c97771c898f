"""A service that is stopped while it still starts leaves at once, and
leaves well.

As process 1 of a container it would not even hear a signal that it had
not asked for.
"""

import signal
import socket
import subprocess
import sys

import pytest

from tests.acceptance.service import PATIENCE, environment


def start(command: str, **settings: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "angarium", command],
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_left_well(process: "subprocess.Popen[str]", stop: signal.Signals) -> str:
    process.send_signal(stop)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert out == ""
    assert '"action":"stopped"' in err
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize("command", ["api", "worker"])
def test_a_signal_ends_a_wait_for_servers_with_status_0_and_what_is_weak_was_told(
    command: str,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = {
            "ANGARIUM_KAFKA": address,
            "ANGARIUM_CASSANDRA": address,
            "ANGARIUM_JWT_SECRET": "a secret of 32 bytes or even more",
            "ANGARIUM_CONSISTENCY": "LOCAL_ONE",
        }
        with start(command, **settings) as process, silent.accept()[0]:
            assert '"action":"weak_consistency"' in assert_left_well(process, signal.SIGTERM)
