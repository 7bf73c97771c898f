"""The documents say what the code does: promises have tests, settings have rows, links lead somewhere."""

import re
from pathlib import Path

import pytest

from angarium.config import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]+\]\(([^)#:]+)(?:#[^)]*)?\)")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)(?:::(\w+))?`")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    broken = [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()]
    assert broken == []


def test_every_promise_names_tests_that_exist() -> None:
    promises = (ROOT / "docs" / "guarantees.md").read_text()
    named = TEST.findall(promises)
    assert len(named) >= 8, "fewer tests than promises"
    for file, *names in named:
        source = (ROOT / file).read_text()
        for name in filter(None, names):
            assert re.search(rf"^\s*(?:def|class) {name}\b", source, re.MULTILINE), f"{file} has no {name}"


def test_every_promise_has_a_test_of_its_own() -> None:
    promises = (ROOT / "docs" / "guarantees.md").read_text()
    sections = re.split(r"^## (?=\d)", promises, flags=re.MULTILINE)[1:]
    for section in sections:
        assert TEST.search(section), f"no test is named under: {section.splitlines()[0]}"


def test_every_setting_has_a_row_in_the_readme_with_its_default() -> None:
    readme = (ROOT / "README.md").read_text()
    for setting in Settings.from_env({}).shown:
        assert f"`{setting.name}`" in readme, f"{setting.name} is not in the README"


def test_every_decision_is_in_the_list() -> None:
    listed = (ROOT / "docs" / "adr" / "README.md").read_text()
    for decision in (ROOT / "docs" / "adr").glob("0*.md"):
        assert f"({decision.name})" in listed
        text = decision.read_text()
        for heading in ("## Context", "## Decision", "## Consequences", "## Rejected"):
            assert heading in text, f"{decision.name} has no {heading}"
