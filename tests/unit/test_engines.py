"""`make engines`, on a machine that has Python and nothing else."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.engines.__main__ import _settings, _signs_of_life
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.kafka_server import KafkaServer
from tests.waiting import until

ROOT = Path(__file__).parents[2]


def test_the_servers_need_no_package_of_the_tests(tmp_path: Path) -> None:
    """Without its site packages, Python has the standard library
    alone. The command then comes as far as Maven or Java, which it
    does not find here.
    """
    done = subprocess.run(
        [sys.executable, "-S", "-m", "tests.engines"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(r"^engines: ", done.stderr, re.MULTILINE), done.stderr


def test_make_installs_only_what_a_start_needs() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(r"^engines: \.venv/run ", makefile, re.MULTILINE)


def test_what_takes_long_gives_signs_of_life(capsys: pytest.CaptureFixture[str]) -> None:
    said = ""

    def has_said() -> bool:
        nonlocal said
        said += capsys.readouterr().err
        return said != ""

    with _signs_of_life(every_s=0.01):
        until(has_said, "a sign of life")
    assert said.startswith("still starting, 0 s …\n")


def test_what_is_printed_says_which_numbers_are_process_ids() -> None:
    def server(address: str, pid: int) -> SimpleNamespace:
        return SimpleNamespace(address=address, process=SimpleNamespace(pid=pid))

    cassandra = SimpleNamespace(address="127.0.0.1:2", nodes=[server("", 8804), server("", 8805)])
    printed = _settings(
        cast("KafkaServer", server("127.0.0.1:1", 8803)), cast("CassandraCluster", cassandra)
    ).splitlines()
    assert printed[-3:] == [
        "export KAFKA_PID=8803",
        "export CASSANDRA_1_PID=8804",
        "export CASSANDRA_2_PID=8805",
    ]
