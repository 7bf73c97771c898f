"""What 10⁹ messages a day need, worked out from what was measured."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

from angarium.domain.events import NewMessage, encode
from bench import contenders as who
from bench.parts.accept import KAFKA_CPU
from bench.parts.worker import CASSANDRA_CPU, DRAINED
from bench.population import TEXT
from bench.table import CPU, Column, Table

DAY = 86_400
MESSAGES = 10**9
PEAK = 3.0
"""The busiest minute against the mean of the day."""

BUSY = 0.6
"""So much of a core may be used at the peak, so that one instance of
three can fail.
"""

PAGES_EACH = 2
"""Pages read for each message: once by each of the two people."""

COPIES = 3
RETENTION_DAYS = 7
NODES_MEASURED = 2

_ALONE = "messages that come alone, as in a chat"

UUID_BYTES, TIME_BYTES, CELL_BYTES, ROW_BYTES = 16, 8, 3, 12
"""Of Cassandra's format from 3.0 on, rounded up; before compression."""


@dataclass(frozen=True, slots=True)
class Need:
    """One line."""

    what: str
    worked_out: str
    figure: str


def needs(tables: Sequence[Table]) -> Sequence[Need]:
    """Work everything out; nothing where a table is missing."""
    known = {table.title: table for table in tables}
    peak = MESSAGES / DAY * PEAK
    found = [
        Need("mean rate", "10⁹ ÷ 86,400 s", f"{MESSAGES / DAY:,.0f}/s"),
        Need("peak rate", f"{PEAK:g} times the mean (assumed)", f"{peak:,.0f}/s"),
    ]
    found += _cores(known, peak)
    return [*found, *_disks()]


def _cores(known: dict[str, Table], peak: float) -> Iterator[Need]:
    # An instance that is busy at BUSY has batches as at this pace, not
    # as flat out.
    accept = known.get("Accept, paced at 1,000/s")
    if accept is not None:
        for name in (who.ANGARIUM, who.ANGARIUM_FAST):
            yield from _instances(f"API instances, {name}", accept, name, CPU, peak)
        yield from _instances(
            "Kafka cores for appending, one copy", accept, who.ANGARIUM, KAFKA_CPU, peak
        )
    copies = COPIES / NODES_MEASURED
    alone = known.get("Worker, from append to stored at 100/s")
    if alone is not None:
        yield from _instances(f"workers, {_ALONE}", alone, who.ANGARIUM, CPU, peak)
        name = f"Cassandra cores for storing, {COPIES} copies, {_ALONE}"
        yield from _instances(name, alone, who.ANGARIUM, CASSANDRA_CPU, peak * copies)
    for conversations, says in (("10,000", "nobody writes twice"), ("200", "groups of some 50")):
        table = known.get(f"Worker, backlog over {conversations} conversations")
        if table is not None:
            yield from _instances(f"workers, {says}", table, who.ANGARIUM, CPU, peak)
            drained = table.median(who.ANGARIUM, DRAINED) or math.nan
            yield Need(
                f"workers, {says}, by speed alone",
                f"{peak:,.0f}/s ÷ {drained:,.0f}/s, everything on two shared cores",
                f"{math.ceil(peak / drained)}",
            )
            name = f"Cassandra cores for storing, {COPIES} copies, {says}"
            yield from _instances(name, table, who.ANGARIUM, CASSANDRA_CPU, peak * copies)
    pages = known.get("Read a page of 50, 16 readers")
    if pages is not None:
        name = f"API instances for reading, {PAGES_EACH} pages a message"
        yield from _instances(name, pages, who.ANGARIUM, CPU, peak * PAGES_EACH)


def _instances(
    what: str, table: Table, contender: str, column: Column, rate: float
) -> Iterator[Need]:
    cost = table.median(contender, column)
    if cost is not None:
        worked_out = f"{rate:,.0f}/s · {cost:.3f} CPU-s per 1,000 ÷ {BUSY:.0%} of a core"
        yield Need(what, worked_out, f"{math.ceil(rate * cost / 1000 / BUSY):,}")


def _disks() -> Iterator[Need]:
    record = _record_bytes()
    kept = record * MESSAGES * RETENTION_DAYS * COPIES / 10**12
    yield Need(
        "bytes of a record", "key, value and headers as encoded, before compression", f"{record}"
    )
    yield Need(
        "Kafka's disk",
        f"{record} B · 10⁹ · {RETENTION_DAYS} days · {COPIES} copies",
        f"{kept:,.1f} TB",
    )
    row = _row_bytes()
    grown = row * MESSAGES * COPIES / 10**12
    yield Need(
        "bytes of a stored message", "row, index row and their keys, before compression", f"{row}"
    )
    yield Need("Cassandra's disk, a day", f"{row} B · 10⁹ · {COPIES} copies", f"{grown:,.2f} TB")
    yield Need("Cassandra's disk, a year", "365 days", f"{grown * 365:,.0f} TB")


def _record_bytes() -> int:
    ids = [uuid4() for _ in range(5)]
    event = NewMessage(ids[0], ids[1], 1_700_000_000_000, ids[2], ids[3], ids[4], TEXT * 2)
    headers = len("trace_id") + 32 + len("schema") + 1
    return len(encode(event)) + len(str(ids[1])) + headers


def _row_bytes() -> int:
    clustering = TIME_BYTES + 8 + UUID_BYTES
    message = (
        ROW_BYTES + clustering + 2 * UUID_BYTES + len(TEXT) * 2 + len("DELIVERED") + TIME_BYTES
    )
    index = ROW_BYTES + UUID_BYTES + TIME_BYTES + 8 + UUID_BYTES
    return message + index + CELL_BYTES * 8


def markdown(tables: Sequence[Table]) -> str:
    """Write the table."""
    lines = ["| what | worked out | needed |", "| --- | --- | ---: |"]
    return "\n".join(
        [*lines, *(f"| {n.what} | {n.worked_out} | {n.figure} |" for n in needs(tables))]
    )
