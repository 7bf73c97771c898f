"""A failed test on real servers runs once more, and everything else
fails the run as ever.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TESTS = """
from pathlib import Path
import pytest

@pytest.mark.{mark}
def test_fails_the_first_time():
    ran = Path("ran")
    first = not ran.exists()
    ran.touch()
    assert not first

@pytest.mark.engines
def test_fails_always():
    assert {always}

def test_passes():
    pass
"""


def run(
    folder: Path,
    mark: str = "engines",
    always: bool = True,
    more: Sequence[str] = (),
    place: str = ".",
) -> "subprocess.CompletedProcess[str]":
    """Run three tests in a folder of their own."""
    (folder / place).mkdir(parents=True, exist_ok=True)
    (folder / place / "test_it.py").write_text(TESTS.format(mark=mark, always=always))
    (folder / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n  balancer\n  engines\n  storm\n  xdist_group\n"
        "addopts = -p tests.flaky --strict-markers\n"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--once-more", "flaky", *more],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("mark", "more"),
    [
        ("balancer", ()),
        ("engines", ()),
        ("storm", ("-p", "xdist", "--numprocesses=2")),
    ],
)
def test_what_passes_alone_is_named_flaky_and_fails_nothing(
    tmp_path: Path, mark: str, more: Sequence[str]
) -> None:
    done = run(tmp_path, mark, more=more)
    assert done.returncode == 0, done.stdout
    *_, flaky, summary = done.stdout.splitlines()
    assert flaky == "FLAKY test_it.py::test_fails_the_first_time"
    assert "2 passed, 1 flaky in" in summary
    assert (tmp_path / "flaky").read_text() == "test_it.py::test_fails_the_first_time\n"


def test_a_test_of_a_group_is_found_again(tmp_path: Path) -> None:
    mark = 'xdist_group("own nodes")\n@pytest.mark.engines'
    done = run(tmp_path, mark, more=("-p", "xdist", "--numprocesses=2", "--dist=loadgroup"))
    assert done.returncode == 0, done.stdout
    assert "FLAKY test_it.py::test_fails_the_first_time@own nodes" in done.stdout


def test_what_fails_again_fails_the_run(tmp_path: Path) -> None:
    done = run(tmp_path, always=False)
    assert done.returncode == 1
    *_, failed, summary = done.stdout.splitlines()
    assert "FLAKY test_it.py::test_fails_the_first_time" in done.stdout
    assert failed.startswith("FAILED test_it.py::test_fails_always")
    assert "1 failed, 1 passed, 1 flaky in" in summary


def test_a_test_without_servers_gets_no_second_chance(tmp_path: Path) -> None:
    done = run(tmp_path, mark="filterwarnings")
    assert done.returncode == 1
    assert "Once more" not in done.stdout
    assert "1 failed, 2 passed in" in done.stdout.splitlines()[-1]


def test_a_unit_test_of_a_folder_named_after_a_mark_gets_none_either(tmp_path: Path) -> None:
    done = run(tmp_path, "usefixtures", place="tests/unit/engines")
    assert done.returncode == 1
    assert "FLAKY" not in done.stdout


def test_too_little_coverage_still_fails_the_run(tmp_path: Path) -> None:
    (tmp_path / "covered.py").write_text("if False:\n    print()\n    print()\n    print()\n")
    done = run(tmp_path, more=("-p", "pytest_cov", "--cov=covered", "--cov-fail-under=99"))
    assert done.returncode == 1
    assert "FLAKY test_it.py::test_fails_the_first_time" in done.stdout


def test_what_an_earlier_run_found_is_named_again(tmp_path: Path) -> None:
    (tmp_path / "flaky").write_text("test_earlier.py::test_something\n")
    done = run(tmp_path)
    assert done.stdout.splitlines()[-3:-1] == [
        "FLAKY test_earlier.py::test_something",
        "FLAKY test_it.py::test_fails_the_first_time",
    ]
