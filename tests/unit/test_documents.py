"""The documents say what the code does: promises have tests, settings
have rows, links lead somewhere.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from angarium.cli.main import main
from angarium.config import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]+\]\(([^)#:]+)(?:#[^)]*)?\)")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)(?:::(\w+))?`")
CODE = re.compile(r"`([\w/]+/\w+\.py)(?:::\w+)*`")
THREAD = re.compile(
    r'(?:Thread\([^()]*(?:\([^()]*\)[^()]*)*\bname=|thread_name_prefix=|Pool\()"([\w-]+)"'
)
ADR_CITATION = re.compile(r"docs/adr/(\w[\w-]*(?:\.md)?)")
PAGE_CITATION = re.compile(r"docs/(?:how/)?\w[\w-]*\.\w+")
EXPLANATIONS = sorted(
    [
        *ROOT.glob("docs/how/*.md"),
        *(ROOT / "docs" / f"{name}.md" for name in ("architecture", "comparison", "glossary")),
    ]
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    broken = [
        link
        for link in LINK.findall(document.read_text())
        if not (document.parent / link).exists()
    ]
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    named = CODE.findall(document.read_text())
    package = ROOT / "src" / "angarium"
    roots = (ROOT, package, package / "api", package / "engines")
    assert [file for file in named if not any((root / file).exists() for root in roots)] == []


@pytest.mark.parametrize("document", EXPLANATIONS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_that_an_explanation_names_exists(document: Path) -> None:
    assert_tests_exist(TEST.findall(document.read_text()))


def test_every_hard_part_has_a_page_that_the_architecture_leads_to() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    pages = sorted(ROOT.glob("docs/how/*.md"))
    assert len(pages) >= 6
    assert [page.name for page in pages if f"(how/{page.name})" not in architecture] == []


def sources() -> Sequence[Path]:
    """Every file of the program that a person wrote."""
    return [
        path for path in sorted(ROOT.glob("src/**/*")) if path.suffix in {".py", ".cql", ".sql"}
    ]


def is_a_decision(citation: str) -> bool:
    """Say whether a decision is cited, by its number or its file."""
    folder = ROOT / "docs" / "adr"
    return (citation.endswith(".md") and (folder / citation).is_file()) or any(
        folder.glob(f"{citation}-*.md") if re.fullmatch(r"\d{4}", citation) else ()
    )


def test_every_decision_is_cited_by_the_code_that_keeps_it() -> None:
    cited = {name[:4] for source in sources() for name in ADR_CITATION.findall(source.read_text())}
    decisions = {page.name[:4] for page in ROOT.glob("docs/adr/0*.md")}
    assert decisions - cited == set()


def test_every_decision_and_page_that_the_code_cites_exists() -> None:
    texts = {source: source.read_text() for source in sources()}
    broken = [
        (str(source.relative_to(ROOT)), citation)
        for source, text in texts.items()
        for citation in [
            *(name for name in ADR_CITATION.findall(text) if not is_a_decision(name)),
            *(page for page in PAGE_CITATION.findall(text) if not (ROOT / page).is_file()),
        ]
    ]
    assert broken == []


def test_every_package_and_foundation_is_in_the_table() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = page.split("## Where things are\n")[1].split("\n## ")[0]
    named = {name.split("/")[0] for name in re.findall(r"`([\w/]+)`", table)}
    entries = (ROOT / "src" / "angarium").glob("[a-z]*")
    there = {entry.stem for entry in entries if entry.suffix in {"", ".py"}}
    assert there - named == set()


def test_every_thread_of_a_service_is_in_the_table() -> None:
    services = [
        path
        for path in ROOT.glob("src/angarium/**/*.py")
        if not {"chat", "verify"} & set(path.relative_to(ROOT).parts)
    ]
    started = {name for path in services for name in THREAD.findall(path.read_text())}
    assert {"worker", "database-writer", "kafka-leave", "store", "users"} <= started, (
        "the pattern finds them"
    )
    table = (ROOT / "docs" / "architecture.md").read_text().split("## Threads\n")[1]
    assert [name for name in started if not re.search(rf"`{name}(?:[-_]0)?`", table)] == []


def test_the_glossary_is_in_order_and_says_something_about_each_term() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    for section in glossary.split("\n## ")[1:]:
        entries = re.findall(
            r"^\*\*(.+?)\.\*\* (.+?)(?:\n\n|\Z)", section + "\n\n", re.DOTALL | re.MULTILINE
        )
        terms = [term for term, _ in entries]
        assert len(terms) == section.count("\n**") > 10
        assert terms == sorted(set(terms), key=str.lower)
        assert [
            term for term, text in entries if len(re.findall(r"[.)]\s", text + "\n")) < 2
        ] == []


def test_every_promise_names_tests_that_exist() -> None:
    promises = (ROOT / "docs" / "guarantees.md").read_text()
    named = TEST.findall(promises)
    assert len(named) >= 8, "fewer tests than promises"
    assert_tests_exist(named)


def assert_tests_exist(named: Sequence[tuple[str, str, str]]) -> None:
    for file, *names in named:
        source = (ROOT / file).read_text()
        for name in filter(None, names):
            assert re.search(rf"^\s*(?:def|class) {name}\b", source, re.MULTILINE), (
                f"{file} has no {name}"
            )


def test_every_promise_has_a_test_of_its_own() -> None:
    promises = (ROOT / "docs" / "guarantees.md").read_text()
    sections = re.split(r"^## (?=\d)", promises, flags=re.MULTILINE)[1:]
    for section in sections:
        assert TEST.search(section), f"no test is named under: {section.splitlines()[0]}"


def test_every_setting_has_a_row_in_the_readme_with_its_default() -> None:
    readme = (ROOT / "README.md").read_text()
    rows = [line.split("|") for line in readme.splitlines() if line.startswith("| `ANGARIUM_")]
    for setting in Settings.from_env({}).shown:
        named = [row for row in rows if f"`{setting.name}`" in row[1] + row[3]]
        assert named, f"{setting.name} is not in the README"
        default = "alice, bob, carol, dave" if setting.name == "ANGARIUM_USERS" else setting.value
        assert default is None or default in named[0][2].replace("`", ""), (
            f"{setting.name} is {default}"
        )


def test_every_command_has_a_row_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    table = (ROOT / "README.md").read_text().split("## The command line")[1].split("\n## ")[0]
    listed = {
        word
        for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)
        for word in re.findall(r"\w+", row)
    }
    assert main(["-h"]) == 0
    commands = set(re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE))
    assert {"serve", "send", "chat"} <= commands, "the help lists them"
    assert commands - listed == set()


def rows_of(table: str) -> dict[str, list[str]]:
    """Return the cells of each row of a table that begins in bold."""
    lines = re.findall(r"^\| \*\*(.+?)\*\* \| (.+) \|$", table, re.MULTILINE)
    return {name: cells.split(" | ") for name, cells in lines}


def test_every_cell_of_the_comparison_has_a_source_or_a_test() -> None:
    page = (ROOT / "docs" / "comparison.md").read_text()
    table, tests = page.split("## What holds Angarium's column")
    compared, held = rows_of(table), rows_of(tests)
    assert len(compared) >= 6
    sources = set(re.findall(r"^\[([\w-]+)\]: https://", tests, re.MULTILINE))
    cited = set(re.findall(r"\]\[([\w-]+)\]", table))
    assert cited == sources
    for row, (_, *others) in compared.items():
        lacks = row.startswith("Groups")
        assert lacks or TEST.search(held[row][0]), f"no test holds: {row}"
        unfounded = [cell for cell in others if "][" not in cell and cell != "what you write"]
        assert unfounded == [], row


def test_every_decision_is_in_the_list() -> None:
    listed = (ROOT / "docs" / "adr" / "README.md").read_text()
    for decision in (ROOT / "docs" / "adr").glob("0*.md"):
        assert f"({decision.name})" in listed
        text = decision.read_text()
        title = text.splitlines()[0].partition(": ")[2]
        assert f"({decision.name}) | {title} |" in listed
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Context", "Decision", "Consequences", "Evidence", "Rejected"], (
            decision.name
        )


def test_the_evidence_of_every_decision_exists() -> None:
    for decision in (ROOT / "docs" / "adr").glob("0*.md"):
        evidence = decision.read_text().split("\n## Evidence\n")[1].split("\n## ")[0]
        named = re.findall(r"`(tests/[\w/.]+)`", evidence)
        assert named or re.search(r"\d|make ", evidence), f"{decision.name} has no evidence"
        assert [test for test in named if not (ROOT / test).exists()] == [], decision.name


OUTSIDE = re.compile(
    r"(?<![\w-])(?:contract|running|semantics|seeing|house|clients|names|spec)\.md\b"
)
"""Papers that are not in the repository: what is needed of them is in
docs/http.md and docs/cli.md.
"""

SAYING = re.compile(
    r"\bthe (?:contract|spec|specification)(?:'s)?\b(?! (?:suite|test))", re.IGNORECASE
)
"""The same without a name."""

FOLDERS = ("src", "tests", "docs", "bench", "deploy")


def texts(*folders: str) -> list[Path]:
    """Return the text files at the top and in some folders, without
    those that tools leave there.
    """
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    top = [
        ROOT / name
        for name in (
            ".env.example",
            "Dockerfile",
            "Makefile",
            "docker-compose.yml",
            "pyproject.toml",
        )
    ]
    endings = {".cfg", ".json", ".lua", ".md", ".py", ".xml"}
    return [*top, *ROOT.glob("*.md"), *(path for path in found if path.suffix in endings)]


def test_nothing_cites_a_paper_that_is_not_in_the_repository() -> None:
    cited = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in texts(*FOLDERS)
        for found in OUTSIDE.finditer(path.read_text())
    ]
    assert cited == []


def test_code_and_documents_name_the_page_that_they_mean() -> None:
    said = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in texts(*FOLDERS)
        for found in SAYING.finditer(path.read_text())
    ]
    assert said == []
