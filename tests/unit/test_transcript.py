"""What the test of the lab takes for the same, and what not."""

import re
from pathlib import Path

import pytest

from tests.acceptance.transcript import EACH_TERMINAL, INTERRUPT, Names, match, section, steps

ROOT = Path(__file__).parents[2]
ONE = "c084abd0-7166-433a-a802-d0e2d103d7f9"
OTHER = "1c4d1d73-debe-4331-a788-952a764244ad"


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (["hello"], ["hello"]),
        (["a   b"], ["a b"]),
        ([f"sent {ONE} after 6 ms"], [f"sent {OTHER} after 1,206 ms"]),
        (["at 2026-11-28T23:57:30.807Z"], ["at 2026-11-29T00:00:01.001Z"]),
        (["by laptop-1", "by laptop-2"], ["by laptop-77", "by laptop-8"]),
        (
            ["by laptop-1", "members  laptop-1 (3), laptop-2 (1)"],
            ["by laptop-9", "members  laptop-10 (1), laptop-9 (3)"],
        ),
        (["…", "last"], ["first", "second", "last"]),
        (["first", "…"], ["first", "second"]),
        (["audited    3,001 records in"], ["audited    3,000 records in"]),
    ],
)
def test_what_varies_may_differ(shown: list[str], said: list[str]) -> None:
    assert match(shown, said, Names()) is not None


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (["hello"], ["Hello"]),
        (["hello"], []),
        (["lag 0"], ["lag 500"]),
        (["missing 0"], ["missing 1"]),
        (["at partition 2, offset 0"], ["at partition 2, offset 1"]),
        ([ONE, ONE], [ONE, OTHER]),
        (["by laptop-1", "by laptop-1"], ["by laptop-1", "by laptop-2"]),
        (["by laptop-1", "by laptop-2"], ["by laptop-1", "by laptop-1"]),
        (["first", "last"], ["first", "second", "last"]),
        (["…", "last"], ["first", "second"]),
    ],
)
def test_everything_else_may_not(shown: list[str], said: list[str]) -> None:
    assert match(shown, said, Names()) is None


def test_commands_of_several_lines_keys_and_terminals_are_read() -> None:
    text = (
        "**In each terminal**\n\n```console\n$ export A=1\n```\n"
        "**Terminal 1**\n\n```console\n$ python -c '\nprint(1)\n'\n1\n$ echo a \\\n  b\na b\n```\n"
        "**Terminal 2** waits:\n\n```console\n…\ndone\n^C\n```\n```text\n$ not typed\n```\n"
    )
    first, python, echo, waits, key = steps(text)
    assert (first.terminal, first.command) == (EACH_TERMINAL, "export A=1")
    assert (python.command, python.output) == ("python -c '\nprint(1)\n'", ["1"])
    assert (echo.command, echo.output) == ("echo a \\\n  b", ["a b"])
    assert (waits.terminal, waits.command, waits.output) == ("Terminal 2", None, ["…", "done"])
    assert (key.command, key.output) == (INTERRUPT, [])


def test_every_experiment_asks_a_question_and_ends_with_a_term_of_the_glossary() -> None:
    page = (ROOT / "docs" / "lab.md").read_text()
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    known = {term.lower() for term in re.findall(r"^\*\*(.+?)\.\*\*", glossary, re.MULTILINE)}
    known |= {re.sub(r" \(.*\)", "", term) for term in known}
    titles = re.findall(r"^## (\d+\. .+)$", page, re.MULTILINE)
    assert len(titles) >= 12
    for title in titles:
        text = section(page, title)
        assert text.count("**Question.** ") == text.count("**What it teaches.** ") == 1, title
        linked = re.findall(r"\[([^\]]+)\]\(glossary\.md\)", text)
        lesson = text.split("**What it teaches.** ")[1]
        assert "(glossary.md)" in lesson, title
        missing = {" ".join(term.split()).lower() for term in linked} - known
        assert missing == set(), title
