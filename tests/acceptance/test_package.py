"""What is built is whole: the wheel runs without the project's
folder.
"""

import subprocess
import sys
import zipfile
from pathlib import Path

import jwt
import pytest

from tests.acceptance.service import PATIENCE, environment

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("package")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "build",
            "--wheel",
            "--no-isolation",
            "--outdir",
            str(folder),
            str(ROOT),
        ],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def run_installed(installed: Path, *arguments: str) -> str:
    # Without `site`, the development environment's link to the source
    # is not followed.
    path = f"{installed}:{Path(jwt.__file__).parents[1]}"
    finished = subprocess.run(
        [sys.executable, "-S", "-m", "angarium", *arguments],
        cwd=installed,
        env=environment(PYTHONPATH=path, ANGARIUM_DATA=str(installed / "var")),
        input="a password\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_wheel_carries_everything_that_is_read_at_run_time(installed: Path) -> None:
    page = ROOT / "src" / "angarium" / "api" / "page"
    for name in (
        "py.typed",
        "api/endpoints/openapi.json",
        "engines/embedded/schema.sql",
        "engines/embedded/schema_2_log_starts.sql",
        *(f"api/page/{file.name}" for file in page.iterdir()),
    ):
        assert (installed / "angarium" / name).exists(), name


def test_the_wheel_runs_and_makes_its_data(installed: Path) -> None:
    assert run_installed(installed, "version").startswith("angarium ")
    run_installed(installed, "init")
    run_installed(installed, "users", "add", "zoe")
    assert "zoe" in run_installed(installed, "users")


def test_the_client_of_the_wheel_needs_nothing_but_the_standard_library(installed: Path) -> None:
    script = "import angarium; c = angarium.Client(); print(type(c).__module__, c.url)"
    finished = subprocess.run(
        [sys.executable, "-S", "-E", "-c", f"import sys; sys.path.insert(0, '.'); {script}"],
        cwd=installed,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert finished.stdout == "angarium.client.client http://127.0.0.1:8080\n", finished.stderr
