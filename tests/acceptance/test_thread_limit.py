"""A machine that starts no more threads: one line says so before
anything listens.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.service import LAUNCHER, PATIENCE, environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux heeds `ulimit -v`")

TOO_LITTLE_KIB = (120 * 1024, 160 * 1024, 200 * 1024, 240 * 1024)
"""Address space that Python and SQLite start with, and all of the
service's threads do not: each reserves 8 MiB for its stack."""


@pytest.mark.parametrize("room_kib", TOO_LITTLE_KIB)
def test_a_service_whose_threads_cannot_start_says_so_in_one_line_and_does_not_listen(
    tmp_path: Path, room_kib: int
) -> None:
    settings = environment(ANGARIUM_DATA=str(tmp_path / "data"), ANGARIUM_PORT="0")
    command = f'ulimit -v {room_kib}; exec "$0" "$@"'
    ended = subprocess.run(
        ["sh", "-c", command, *LAUNCHER, "serve"],
        env=settings,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    (line,) = [line for line in ended.stderr.splitlines() if not line.startswith("{")]
    assert line.startswith("angarium: the system refuses to start another thread"), line
    assert "ulimit" in line
