"""Tables for people, JSON for programs."""

import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import Turn

COLUMNS = ("messages/s", "p50 ms", "p95 ms", "p99 ms", "CPU-s per 1,000", "stored/s")

Results = Mapping[str, Mapping[str, Sequence[Turn]]]
"""Turns by contender by scenario."""


def median(turns: Sequence[Turn]) -> Turn:
    """Give each figure's median; refused answers are summed up."""

    def middle(name: str) -> float:
        figures: list[float] = [getattr(turn, name) for turn in turns]
        return statistics.median(figures)

    stored = [turn.stored_per_second for turn in turns if turn.stored_per_second is not None]
    return Turn(
        middle("per_second"),
        middle("p50"),
        middle("p95"),
        middle("p99"),
        middle("cpu_per_1000"),
        sum(turn.refused for turn in turns),
        statistics.median(stored) if stored else None,
    )


def tables(results: Results) -> str:
    """Write a Markdown table for each scenario."""
    return "\n\n".join(_table(scenario, contenders) for scenario, contenders in results.items())


def _table(scenario: str, contenders: Mapping[str, Sequence[Turn]]) -> str:
    lines = [
        f"### {scenario}",
        "",
        f"| | {' | '.join(COLUMNS)} |",
        f"| --- |{' ---: |' * len(COLUMNS)}",
    ]
    for name, turns in contenders.items():
        turn = median(turns)
        stored = f"{turn.stored_per_second:,.0f}" if turn.stored_per_second is not None else "-"
        note = f" ({turn.refused} refused)" if turn.refused else ""
        lines.append(
            f"| {name}{note} | {turn.per_second:,.0f} | {turn.p50:.1f} | {turn.p95:.1f} | {turn.p99:.1f} "
            f"| {turn.cpu_per_1000:.3f} | {stored} |"
        )
    return "\n".join(lines)


def machine() -> dict[str, object]:
    """Say what was measured on, without naming the machine."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
    }


def write(results: Results, path: Path) -> None:
    """Write every turn to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": machine(),
        "scenarios": {
            scenario: {name: [asdict(turn) for turn in turns] for name, turns in contenders.items()}
            for scenario, contenders in results.items()
        },
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
