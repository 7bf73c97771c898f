"""The figures that matter most, as a picture."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench import contenders as who
from bench.table import CPU, RATE, Column, Table

ROWS = (who.ANGARIUM_FAST, who.ANGARIUM, who.CONFLUENT, who.AIOKAFKA)
OURS, THEIRS = "#1f6feb", "#8b949e"
TITLE = "Accept, flat out, 64 connections"


def draw(tables: Sequence[Table], path: Path) -> bool:
    """Draw what one API process accepts and what it costs; False when
    that was not measured.
    """
    table = next((table for table in tables if table.title == TITLE), None)
    if table is None:
        return False
    # The same figures make the same file, and text stays text.
    mpl.rcParams.update({"svg.hashsalt": "angarium", "svg.fonttype": "none", "font.size": 9})
    figure = Figure(figsize=(8, 2.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _bars(left, table, RATE, "accepted messages/s, one process")
    _bars(right, table, CPU, "CPU seconds for 1,000 messages")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    return True


def _bars(axes: Axes, table: Table, column: Column, title: str) -> None:
    figures = [table.median(name, column) or 0.0 for name in ROWS]
    colours = [OURS if name.startswith(who.ANGARIUM) else THEIRS for name in ROWS]
    bars = axes.barh(ROWS, figures, color=colours)
    axes.bar_label(bars, [f"{figure:{column.form}}" for figure in figures], padding=3)
    axes.set_title(title, fontsize=9)
    axes.set_xlim(0, max(figures) * 1.2)
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
