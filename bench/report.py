"""Tables for people, JSON for programs, and the page that holds the
tables.
"""

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psutil

from bench.table import Column, Table

Results = Mapping[str, Sequence[Table]]
"""Tables by part."""


def markdown(table: Table) -> str:
    """Write one table; figures are medians."""
    shown = [column for column in table.columns if _told(table, column)]
    lines = [
        f"#### {table.title}",
        "",
        f"| | {' | '.join(column.name for column in shown)} |",
        f"| --- |{' ---: |' * len(shown)}",
    ]
    for contender in table.turns:
        cells = [_cell(table.median(contender, column), column) for column in shown]
        lines.append(f"| {contender} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _told(table: Table, column: Column) -> bool:
    # A column of refusals says something only when there are some.
    figures = [table.median(contender, column) for contender in table.turns]
    return any(figure is not None and (figure or column.name != "refused") for figure in figures)


def _cell(figure: float | None, column: Column) -> str:
    return "-" if figure is None else f"{figure:{column.form}}"


def tables(found: Sequence[Table]) -> str:
    """Write several tables below one another."""
    return "\n\n".join(map(markdown, found))


def machine() -> dict[str, object]:
    """Say what was measured on, without naming the machine."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def conditions(turns: int) -> str:
    """Say in one line what the figures hold for."""
    known = machine()
    return (
        f"{known['date']}, {known['cores']} cores, {known['memory_gib']} GiB, Python "
        f"{known['python']}; medians of {turns} turns; load average of the last 15 minutes "
        f"{os.getloadavg()[2]:.1f}."
    )


def spans(path: Path) -> str:
    """Say from when the results of a file are."""
    parts = json.loads(path.read_text())["parts"]
    dates = sorted({part["machine"]["date"] for part in parts.values()})
    return f"Of {dates[0]}." if len(dates) == 1 else f"Of {dates[0]} to {dates[-1]}."


def write(results: Results, path: Path) -> None:
    """Write every turn to a file; parts that were not measured this
    time stay as they are.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(path.read_text()) if path.exists() else {}
    parts = known.get("parts", {})
    for name, found in results.items():
        parts[name] = {
            "machine": machine(),
            "tables": {table.title: table.turns for table in found},
        }
    whole = path.with_suffix(".new")
    whole.write_text(json.dumps({"parts": parts}, indent=2) + "\n")
    whole.replace(path)


def read(path: Path) -> list[Table]:
    """Read every table of a file, of this run and of earlier ones, with
    the columns that have figures.
    """
    known = json.loads(path.read_text())
    found: list[Table] = []
    for part in known["parts"].values():
        for title, turns in part["tables"].items():
            names = dict.fromkeys(
                name for contender in turns.values() for turn in contender for name in turn
            )
            found.append(Table(title, [Column(name) for name in names], turns))
    return found


def fill_in(page: Path, name: str, text: str) -> None:
    """Replace what stands between a page's two marks of a name."""
    begin, end = f"<!-- bench:{name} -->", f"<!-- end bench:{name} -->"
    before = page.read_text()
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(before):
        raise ValueError(f"{page} has no marks {begin} … {end}")
    page.write_text(pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", before))
