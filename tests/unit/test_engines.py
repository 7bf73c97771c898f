"""`make engines`, on a machine that has Python and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

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
