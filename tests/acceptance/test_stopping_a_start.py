"""An instance that is stopped while it still waits for its servers leaves at once, and leaves well.

As process 1 of a container it would not even hear a signal that it had not asked for.
"""

import signal
import socket
import subprocess
import sys

import pytest

from tests.acceptance.service import PATIENCE, environment


@pytest.mark.parametrize("command", ["api", "worker"])
def test_a_signal_ends_a_start_with_status_0_and_what_is_weak_was_told(command: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        settings = environment(
            ANGARIUM_KAFKA=address,
            ANGARIUM_CASSANDRA=address,
            ANGARIUM_JWT_SECRET="a secret of 32 bytes or even more",
            ANGARIUM_CONSISTENCY="LOCAL_ONE",
        )
        with (
            subprocess.Popen(
                [sys.executable, "-m", "angarium", command],
                env=settings,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process,
            silent.accept()[0],
        ):
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0, err
    assert out == ""
    assert '"action":"weak_consistency"' in err
    assert '"action":"stopped"' in err
    assert "Traceback" not in err
