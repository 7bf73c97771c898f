"""The image is built from a lock: exact versions with hashes, which
agree with pyproject.toml.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME, BUILD = "requirements.lock", "requirements-build.lock"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def wanted(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for of what is in a lock."""
    if lock == BUILD:
        return [Requirement(line) for line in PROJECT["build-system"]["requires"]]
    project = PROJECT["project"]
    return [
        Requirement(line)
        for line in (*project["dependencies"], *project["optional-dependencies"]["fast"])
    ]


def entries(lock: str) -> Iterator[tuple[Requirement, list[str]]]:
    """Each locked package with what stands behind it."""
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line and not line.startswith("#"):
            requirement, *options = re.split(r"\s+(?=--)", line)
            yield Requirement(requirement), options


@pytest.mark.parametrize("lock", [RUNTIME, BUILD])
@pytest.mark.parametrize("python", PYTHONS)
def test_a_lock_has_each_dependency_within_the_range_that_is_allowed(
    lock: str, python: str
) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    pinned: dict[str, str] = {}
    for requirement, _ in entries(lock):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            pinned[canonicalize_name(requirement.name)] = pin.version
    for requirement in wanted(lock):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not in {lock}: make lock"
        assert version in requirement.specifier, (
            f"{lock} has {requirement.name} {version}: make lock"
        )


@pytest.mark.parametrize("lock", [RUNTIME, BUILD])
def test_a_lock_has_hashes_and_names_no_index(lock: str) -> None:
    for requirement, options in entries(lock):
        assert options, requirement
        assert all(map(HASH.fullmatch, options)), requirement
        assert requirement.url is None
    assert "://" not in (ROOT / lock).read_text()


def test_what_is_locked_for_the_build_is_what_the_build_asks_for() -> None:
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


def test_the_image_takes_nothing_that_is_not_locked() -> None:
    steps = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    commands = re.findall(r"pip\S* (?:--python \S+ )?(?:install|wheel) ([^&\n]*)", steps)
    assert len(commands) == 4
    for options in commands:
        assert "--require-hashes" in options or "--no-deps" in options, options
    assert all(f"--require-hashes --requirement {lock}" in steps for lock in (RUNTIME, BUILD))
    assert "wheel --no-deps --no-build-isolation" in steps
    offered = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{RUNTIME}", f"!{BUILD}"} <= set(offered)
