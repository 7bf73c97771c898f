"""Only the patches lean on what client libraries do not promise; each
says when it can go.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "angarium"
ROOMS = {
    SOURCE / "engines" / "kafka" / "patches": "kafka-python",
    SOURCE / "engines" / "cassandra" / "patches": "cassandra-driver",
}
PATCHES = sorted(
    path for room in ROOMS for path in room.glob("*.py") if path.name != "__init__.py"
)
OUTSIDE = sorted(path for path in SOURCE.rglob("*.py") if path.parent not in ROOMS)
# By their text: to parse all files takes seconds, in each process that
# collects the tests.
USERS = [
    path
    for path in OUTSIDE
    if re.search(r"^\s*(from|import) kafka\b", path.read_text(), re.MULTILINE)
]
HEAD = (
    "Fault: ",
    "True in: ",
    "Noticed by:",
    "The public way: ",
    "Measured: ",
    "Mended upstream",
)

PUBLIC = {
    "kafka",
    "kafka.admin",
    # Its functions undo compressions, for producers other than ours.
    "kafka.codec",
    # Names a value of the setting `partition_assignment_strategy`.
    "kafka.coordinator.assignors.cooperative_sticky",
    "kafka.errors",
    "kafka.structs",
}
"""What kafka-python documents, or names in what it documents."""

EXTENSIBLE = {"ConsumerRebalanceListener", "KafkaError"}
"""What the library lets others extend."""


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Each module that a file imports from, and the name that it
    imports of it.
    """
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names)


def of_kafka(path: Path) -> list[tuple[str, str]]:
    return [(module, name) for module, name in imports(path) if module.split(".")[0] == "kafka"]


def name_of(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", USERS, ids=name_of)
def test_outside_the_patches_only_the_librarys_public_modules_are_imported(path: Path) -> None:
    for module, name in of_kafka(path):
        assert module in PUBLIC or f"{module}.{name}" in PUBLIC


@pytest.mark.parametrize("path", USERS, ids=name_of)
def test_outside_the_patches_no_class_of_the_library_is_extended(path: Path) -> None:
    of_the_library = {name for _, name in of_kafka(path)} - EXTENSIBLE
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base) for base in node.bases}
            assert not bases & of_the_library, node.name
            assert not any(base.startswith("kafka.") for base in bases), node.name


def test_outside_the_patches_no_private_name_is_allowed_and_no_class_exchanged() -> None:
    for path in OUTSIDE:
        text = path.read_text()
        assert "SLF001" not in text, path
        assert "__class__ =" not in text, path
        # As a text it would escape the rule.
        assert not re.search(r"[gs]etattr\([^)]*[\"']_", text), path
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    assert "SLF" in ruff["select"]
    exempt = {
        pattern
        for pattern, rules in ruff["per-file-ignores"].items()
        if "SLF001" in rules and pattern.startswith("src")
    }
    assert exempt == {"src/angarium/engines/*/patches/**"}


@pytest.mark.parametrize("path", PATCHES, ids=name_of)
def test_a_patch_says_what_it_mends_and_when_it_can_go(path: Path) -> None:
    head = ast.get_docstring(tree(path))
    assert head is not None
    places = [head.find(f"\n{part}") for part in HEAD]
    assert -1 not in places, HEAD[places.index(-1)]
    assert places == sorted(places)
    library = ROOMS[path.parent]
    true_in = re.search(rf"^True in: {library} (?:\S+ to )?(\d+\.\d+\.\d+)\b", head, re.MULTILINE)
    assert true_in is not None
    assert true_in[1] == version(library), "read the library again, and say so"
    named = f"tests/unit/engines/{path.parents[1].name}/patches/test_{path.stem}.py"
    assert named in head
    assert (ROOT / named).exists()


@pytest.mark.parametrize("path", PATCHES, ids=name_of)
def test_a_patch_has_a_row_in_the_list(path: Path) -> None:
    rows = re.findall(
        r"^\| \[`(\w+\.py)`\]\((\w+\.py)\) \|",
        (path.parent / "README.md").read_text(),
        re.MULTILINE,
    )
    assert (path.name, path.name) in rows
    assert len(rows) == len([each for each in PATCHES if each.parent == path.parent])


def test_the_library_stays_at_the_version_that_the_patches_were_written_against() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (kafka,) = [Requirement(line) for line in dependencies if line.startswith("kafka-python")]
    assert "3.0.12" in kafka.specifier
    assert "3.1.0" not in kafka.specifier
