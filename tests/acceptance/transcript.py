"""A page of experiments: its commands and what they are said to print.

In a block of the language `console` a line with `$ ` is a command, `^C`
a key, `…` any number of lines, and everything else is output. A block
that begins with output goes on with what still runs. A line in bold
above the block says in which terminal: **Terminal 1**.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

ANYTHING = "…"
INTERRUPT = "^C"
EACH_TERMINAL = "each terminal"

_PART = re.compile(
    r"^\*\*(?:In )?(?P<terminal>[Ee]ach terminal|Terminal \d)\.?\*\*"
    r"|^```console\n(?P<block>.*?)^```",
    re.DOTALL | re.MULTILINE,
)
_VARYING = (
    ("id", r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"),
    ("trace", r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}…"),
    ("time", r"\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?"),
    ("time", r"\b\d\d:\d\d(?::\d\d(?:\.\d+)?)?\b"),
    ("name", r"\bmoved\d+\b"),
    ("instance", r"\blaptop-\d+\b"),
    ("digest", r"\b[0-9a-f]{64}\b"),
    ("measure", r"\b\d[\d,.]*(?= (?:ms|s|KiB|MiB|bytes, watermark)\b)"),
    ("measure", r"(?<=audited )[ \d,]+(?= records)"),
    ("position", r"\(\d{10,}, (?=\d)"),
)
_TOKEN = re.compile("|".join(f"(?P<k{n}>{pattern})" for n, (_, pattern) in enumerate(_VARYING)))
_MEMBERS = re.compile(r"(members\s+)(laptop-.+, laptop-.+)")
_BOUND = {"id", "trace", "instance", "digest"}
"""The kinds of which the same one on the page is the same one in the
output, throughout an experiment.
"""


@dataclass(frozen=True)
class Step:
    """A command or a key in a terminal, and the lines that follow."""

    terminal: str
    command: str | None
    output: Sequence[str]

    @property
    def goes_on(self) -> bool:
        """Whether more may come than the page shows."""
        return bool(self.output) and self.output[-1] == ANYTHING

    @property
    def runs_on(self) -> bool:
        """Whether the command need not have ended."""
        return self.goes_on or self.command is None


def section(page: str, title: str) -> str:
    """Give the text of one section.

    Args:
        page: The page.
        title: The heading, without its `## `.

    Returns:
        What is below it, up to the next heading.
    """
    return page.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def steps(text: str) -> Sequence[Step]:
    """Read the steps of a section.

    Args:
        text: The section.

    Returns:
        What is typed and what it prints, in order.
    """
    found: list[Step] = []
    terminal = "Terminal 1"
    for part in _PART.finditer(text):
        if part["terminal"]:
            terminal = part["terminal"].replace("Each", "each")
        else:
            found += _of_block(terminal, part["block"].splitlines())
    return found


def _of_block(terminal: str, lines: Sequence[str]) -> Iterator[Step]:
    """Read one block: each command with its lines."""
    command: str | None = None
    output: list[str] = []
    rest = iter(lines)
    for line in rest:
        if line != INTERRUPT and not line.startswith("$ "):
            output.append(line)
            continue
        if command is not None or output:
            yield Step(terminal, command, output)
        command, output = line.removeprefix("$ "), []
        while _is_open(command):
            command += "\n" + next(rest)
    yield Step(terminal, command, output)


def _is_open(command: str) -> bool:
    """Say whether the shell would wait for another line."""
    if command.endswith("\\"):
        return True
    try:
        shlex.split(command)
    except ValueError:
        return True
    return False


@dataclass
class Names:
    """Which name of the page is which of this run."""

    of_run: dict[str, str] = field(default_factory=dict)

    def bind(self, shown: str, said: str) -> Mapping[str, str] | None:
        """Compare a line of the page with one of the output.

        Args:
            shown: On the page.
            said: In the output.

        Returns:
            The names that are new; None when the lines differ.
        """
        orders = (self._bind(shown, order) for order in _orders(said))
        return next((new for new in orders if new is not None), None)

    def _bind(self, shown: str, said: str) -> Mapping[str, str] | None:
        """Compare two lines, word by word."""
        shown_tokens, said_tokens = _tokens(shown), _tokens(said)
        if _masked(shown) != _masked(said):
            return None
        new: dict[str, str] = {}
        for (kind, here), (_, there) in zip(shown_tokens, said_tokens, strict=True):
            if kind not in _BOUND:
                continue
            known = {**self.of_run, **new}
            if known.get(here, there) != there or (here not in known and there in known.values()):
                return None
            new[here] = there
        return new


def _orders(line: str) -> Iterator[str]:
    """Give a line with its list of members in every order: they are
    sorted by numbers that are others in each run.
    """
    if not (found := _MEMBERS.fullmatch(line)):
        yield line
        return
    for members in permutations(found[2].split(", ")):
        yield found[1] + ", ".join(members)


def _tokens(line: str) -> Sequence[tuple[str, str]]:
    """Give the kind and text of everything that varies."""
    return [(_kind(found), found[0]) for found in _TOKEN.finditer(line)]


def _masked(line: str) -> str:
    """Put kinds for what varies, and one space for many."""
    return " ".join(_TOKEN.sub(lambda found: f"<{_kind(found)}>", line).split())


def _kind(found: re.Match[str]) -> str:
    """Name the kind of a token."""
    assert found.lastgroup is not None
    return _VARYING[int(found.lastgroup[1:])][0]


def match(shown: Sequence[str], said: Sequence[str], names: Names) -> int | None:
    """Compare lines of the page with lines of the output.

    Args:
        shown: On the page.
        said: In the output; more may follow.
        names: What is known; grows by what is found, when all lines
            match.

    Returns:
        How many lines of the output were matched; None when they
        differ, or the output is not there yet.
    """
    tried = Names(dict(names.of_run))
    place, anything = 0, False
    for line in shown:
        if line == ANYTHING:
            anything = True
            continue
        while True:
            if place >= len(said):
                return None
            new = tried.bind(line, said[place])
            place += 1
            if new is not None:
                tried.of_run.update(new)
                break
            if not anything:
                return None
        anything = False
    names.of_run.update(tried.of_run)
    return place
