"""What was measured: figures by turn, contender and column."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Figures = Mapping[str, float]
"""One turn of one contender, by column; a column may be missing where
there is nothing to tell.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A kind of figure.

    Attributes:
        name: With its unit.
        form: As `format` takes it.
    """

    name: str
    form: str = ",.1f"


RATE = Column("messages/s", ",.0f")
P50 = Column("p50 ms")
P95 = Column("p95 ms")
P99 = Column("p99 ms")
CPU = Column("CPU-s per 1,000", ".3f")
REFUSED = Column("refused", ",.0f")

ANSWERS = (RATE, P50, P95, P99, CPU, REFUSED)


@dataclass(frozen=True, slots=True)
class Table:
    """Figures that are compared with one another.

    Attributes:
        title: Its heading.
        columns: What is shown of each contender.
        turns: What each contender reached, turn by turn.
    """

    title: str
    columns: Sequence[Column]
    turns: dict[str, list[Figures]] = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        """Name the contenders that have no figure of any turn."""
        return [name for name, turns in self.turns.items() if not any(turns)]

    def add(self, contender: str, figures: Figures) -> None:
        """Note one more turn."""
        self.turns.setdefault(contender, []).append(figures)

    def median(self, contender: str, column: Column) -> float | None:
        """Give the middle of a contender's turns, None where it has
        none.
        """
        found = [
            turn[column.name] for turn in self.turns.get(contender, ()) if column.name in turn
        ]
        return statistics.median(found) if found else None

    def ratios(
        self, contender: str, column: Column, other: str, other_column: Column
    ) -> Sequence[float]:
        """Divide a contender's figure by another's, turn by turn.

        Neighbours in time are compared, so what the machine does in
        between falls on both.
        """
        pairs = zip(self.turns.get(contender, ()), self.turns.get(other, ()), strict=False)
        return [
            ours[column.name] / theirs[other_column.name]
            for ours, theirs in pairs
            if column.name in ours and theirs.get(other_column.name)
        ]


def interleave(
    table: Table,
    turns: int,
    contenders: Mapping[str, Callable[[], Figures]],
    say: Callable[[str], None],
) -> Table:
    """Let contenders take turns, A B A B, so that a machine that
    changes its speed changes it for all.

    Each round begins with another one, so that what one leaves behind
    (compaction, compiling) does not always fall on the same next one. A
    turn that fails has no figures; the others still count.
    """
    names = list(contenders)
    for name in names:
        table.turns.setdefault(name, [])
    for number in range(turns):
        begin = number % len(names)
        for name in names[begin:] + names[:begin]:
            try:
                figures = contenders[name]()
            except (RuntimeError, OSError, ValueError) as error:
                figures, reached = {}, f"failed: {error!r}"
            else:
                first = table.columns[0]
                reached = f"{figures[first.name]:{first.form}} {first.name}"
            table.add(name, figures)
            say(f"{table.title} · {number + 1}/{turns} · {name}: {reached}")
    return table
