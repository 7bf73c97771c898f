"""What was aimed at, beside what was reached; a ratio is the median of
those of each turn.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench import contenders as who
from bench.library import LIBRARIES
from bench.parts.worker import CASSANDRA_CPU, HIGHEST, HIGHEST_TITLE
from bench.table import CPU, P50, P95, P99, RATE, Column, Table

Tables = Mapping[str, Table]
"""By title."""

NOT_MEASURED = "not measured"

_WHOLE = 1_000
"""A figure as large as this is shown without decimals."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Where a figure stands."""

    table: str
    contender: str
    column: Column

    def read(self, tables: Tables) -> float | None:
        """Look it up, None where it was not measured."""
        table = tables.get(self.table)
        return None if table is None else table.median(self.contender, self.column)


@dataclass(frozen=True, slots=True)
class Aim:
    """A bound on one figure, or on one in relation to another.

    Attributes:
        text: What is aimed at, in words.
        figure: What is looked at.
        relative_to: What it is divided by, of the same table; None for
            itself alone.
        least: It must be so much, None where there is no such bound.
        most: Or no more than that.
    """

    text: str
    figure: Figure
    relative_to: Figure | None = None
    least: float | None = None
    most: float | None = None

    def row(self, tables: Tables) -> str:
        """Write a line of the table."""
        ratios = self._ratios(tables)
        reached = statistics.median(ratios) if ratios else self.figure.read(tables)
        if reached is None or (self.relative_to is not None and not ratios):
            return f"| {self.text} | {NOT_MEASURED} | |"
        fine = (self.least is None or reached >= self.least) and (
            self.most is None or reached <= self.most
        )
        digits = 0 if reached >= _WHOLE else 2
        shown = f"{reached:,.{digits}f}"
        if ratios:
            shown = f"{reached:.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"
        return f"| {self.text} | {shown} | {'yes' if fine else '**no**'} |"

    def _ratios(self, tables: Tables) -> Sequence[float]:
        other, table = self.relative_to, tables.get(self.figure.table)
        if other is None or table is None:
            return ()
        return table.ratios(
            self.figure.contender, self.figure.column, other.contender, other.column
        )


def _accept(contender: str, column: Column, case: str = "flat out, 64 connections") -> Figure:
    return Figure(f"Accept, {case}", contender, column)


_DRAINED = Column("drained msg/s")
_PAGES = Column("pages/s")
_SECONDS = Column("s from the first send to the last stored")
_BARE, _PLAIN = who.WORKER_PEERS["bare_loop"], who.WORKER_PEERS["one_at_a_time"]
_ALONE = "Worker, from append to stored at 100/s"
_SERVE = "angarium serve"
_TRIPS = "From send to readable, one API and one worker"


def _backlog(contender: str, conversations: str) -> Figure:
    return Figure(f"Worker, backlog over {conversations} conversations", contender, _DRAINED)


def _page(contender: str, column: Column) -> Figure:
    return Figure("Read a page of 50, 16 readers", contender, column)


def _lone_page(length: str) -> Figure:
    return Figure("Read a page of 50, one reader", f"{who.ANGARIUM}, {length} messages", P50)


def _short(column: Column) -> str:
    return column.name.removesuffix(" ms")


_SCALED = "SC-003, NFR-004"

REQUIRED: Sequence[Aim] = (
    Aim(
        "NFR-001, SC-008: accept at 1,000/s: p95 < 200 ms",
        _accept(who.ANGARIUM, P95, "paced at 1,000/s"),
        most=200.0,
    ),
    *(
        Aim(
            f"NFR-002: append to stored at {rate}/s: p95 < 500 ms",
            Figure(f"Worker, from append to stored at {rate}/s", who.ANGARIUM, P95),
            most=500.0,
        )
        for rate in ("100", "1,000")
    ),
    Aim("NFR-003: one API accepts ≥ 1,000 messages/s", _accept(who.ANGARIUM, RATE), least=1_000.0),
    Aim(
        "SC-001: send to readable at 20/s: p95 < 1,000 ms",
        Figure(_TRIPS, "20/s", P95),
        most=1_000.0,
    ),
    Aim(
        "SC-002: 1,000 messages in under 10 s",
        Figure("Whole systems", "SC-002: 1,000 messages, 1 API + 1 worker", _SECONDS),
        most=10.0,
    ),
    Aim(
        "SC-003: 2,000 messages in under 10 s, all of it on the same two cores",
        Figure("Whole systems", "SC-003: 2,000 messages, 2 APIs + 2 workers", _SECONDS),
        most=10.0,
    ),
)
"""The requirements, as opposed to aims of this project."""

CHOSEN: Sequence[Aim] = (
    *(
        Aim(
            f"accepted/s at {connections} connections ≥ {least:g} times FastAPI + aiokafka",
            _accept(who.ANGARIUM, RATE, f"flat out, {connections} connections"),
            _accept(who.AIOKAFKA, RATE, f"flat out, {connections} connections"),
            least=least,
        )
        for connections, least in ((16, 1.6), (64, 2.0), (256, 2.5))
    ),
    Aim(
        "CPU of a message at 64 connections ≤ 0.5 times FastAPI + aiokafka",
        _accept(who.ANGARIUM, CPU),
        _accept(who.AIOKAFKA, CPU),
        most=0.5,
    ),
    *(
        Aim(
            f"accept at {rate}/s: {_short(column)} ≤ 1.1 times FastAPI + aiokafka",
            _accept(who.ANGARIUM, column, f"paced at {rate}/s"),
            _accept(who.AIOKAFKA, column, f"paced at {rate}/s"),
            most=1.1,
        )
        for rate in ("500", "1,000")
        for column in (P95, P99)
    ),
    *(
        Aim(
            f"worker, {conversations} conversations: drained ≥ {least:g} times the bare loop",
            _backlog(who.ANGARIUM, conversations),
            _backlog(_BARE, conversations),
            least=least,
        )
        for conversations, least in (("10", 0.9), ("200", 1.1), ("10,000", 1.0))
    ),
    Aim(
        "worker, 10,000 conversations: drained ≥ 2 times one message at a time",
        _backlog(who.ANGARIUM, "10,000"),
        _backlog(_PLAIN, "10,000"),
        least=2.0,
    ),
    *(
        Aim(
            f"append to stored at 100/s: {_short(column)} ≤ 1.3 times the bare loop",
            Figure(_ALONE, who.ANGARIUM, column),
            Figure(_ALONE, _BARE, column),
            most=1.3,
        )
        for column in (P50, P95)
    ),
    Aim(
        "highest pace with append to stored under 500 ms at p95 ≥ 0.9 times the bare loop",
        Figure(HIGHEST_TITLE, who.ANGARIUM, HIGHEST),
        Figure(HIGHEST_TITLE, _BARE, HIGHEST),
        least=0.9,
    ),
    Aim(
        "Cassandra's CPU-s per 1,000 messages at 100/s ≤ 4.5",
        Figure(_ALONE, who.ANGARIUM, CASSANDRA_CPU),
        most=4.5,
    ),
    Aim(
        "pages of 50/s, 16 readers ≥ 1.3 times FastAPI + cassandra-driver",
        _page(who.ANGARIUM, _PAGES),
        _page(who.HISTORY_PEER, _PAGES),
        least=1.3,
    ),
    Aim(
        "CPU of a page ≤ 1.7 times the driver alone",
        _page(who.ANGARIUM, CPU),
        _page(LIBRARIES["bare_pages"], CPU),
        most=1.7,
    ),
    Aim(
        "page of 50, one reader: p50 of 1,000,000 messages ≤ 1.5 times that of 1,000",
        _lone_page("1,000,000"),
        _lone_page("1,000"),
        most=1.5,
    ),
    Aim(
        "send to readable at 20/s: p95 ≤ 1.15 times both client libraries alone",
        Figure(_TRIPS, "20/s", P95),
        Figure(_TRIPS, LIBRARIES["bare_trips"], P95),
        most=1.15,
    ),
    Aim(
        "embedded engine: accepted messages/s ≥ 2,500",
        Figure("Embedded engine, flat out, 64 connections", _SERVE, RATE),
        least=2_500.0,
    ),
    Aim(
        "embedded engine at 1,000/s: p95 ≤ 4 ms",
        Figure("Embedded engine, paced at 1,000/s", _SERVE, P95),
        most=4.0,
    ),
)
"""What this project has set itself beyond that."""


def summary(tables: Sequence[Table]) -> str:
    """Hold the aims against what was measured."""
    return "\n".join(_lines({table.title: table for table in tables}))


def _lines(tables: Tables) -> Iterator[str]:
    yield "| aim | reached | met |"
    yield "| --- | ---: | --- |"
    yield from (aim.row(tables) for aim in REQUIRED)
    yield from _scaling(tables)
    yield from (aim.row(tables) for aim in CHOSEN)


def _scaling(tables: Tables) -> Iterator[str]:
    # Its title names the means by which shares were enforced.
    for title, table in tables.items():
        if title.startswith("Accept with 1 to 3 instances"):
            efficiency = Column("t(n) / (n · t(1))")
            for count in (2, 3):
                figure = Figure(title, f"{count} APIs", efficiency)
                aim = Aim(
                    f"{_SCALED}: {count} APIs of equal quota: t(n) / (n · t(1)) ≥ 0.95",
                    figure,
                    least=0.95,
                )
                yield aim.row({title: table})
