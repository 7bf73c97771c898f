"""The experiments of `docs/lab.md` do what the page says, typed into
real shells.
"""

import re
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.acceptance.experiment import Experiment, experiment, shell_environment
from tests.acceptance.transcript import EACH_TERMINAL, section, steps
from tests.engines.ports import free_port

PAGE = (Path(__file__).parents[2] / "docs" / "lab.md").read_text()
START = "Before you start"
EXPERIMENTS = re.findall(r"^## (\d+\. .+)$", PAGE, re.MULTILINE)


class Laboratory:
    """What the experiments share: a port, and where logins are kept."""

    def __init__(self, folder: Path) -> None:
        port = str(free_port())
        self._replaced = {"127.0.0.1:8080": f"127.0.0.1:{port}"}
        self._variables = shell_environment(
            ANGARIUM_PORT=port,
            ANGARIUM_URL=f"http://127.0.0.1:{port}",
            XDG_CONFIG_HOME=str(folder / "config"),
        )
        prepare = steps(section(PAGE, START))
        # What activates `.venv` is done already.
        self._first = [
            step
            for step in prepare
            if step.terminal == EACH_TERMINAL and ".venv" not in str(step.command)
        ]
        with self.experiment(folder) as made:
            made.run([step for step in prepare if step.terminal != EACH_TERMINAL])

    def experiment(self, folder: Path) -> AbstractContextManager[Experiment]:
        """Give an experiment with a folder of its own."""
        return experiment(folder, self._variables, self._first, self._replaced)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> Laboratory:
    return Laboratory(tmp_path_factory.mktemp("lab"))


@pytest.mark.parametrize("title", EXPERIMENTS)
def test_an_experiment_prints_what_the_page_shows(
    title: str, laboratory: Laboratory, tmp_path: Path
) -> None:
    with laboratory.experiment(tmp_path) as made:
        made.run(steps(section(PAGE, title)))
