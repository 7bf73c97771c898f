"""The status of log and store as a table for people, and as JSON."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from angarium.cli.console import Style
from angarium.cli.text import escape_unprintable, width
from angarium.domain.timestamps import rfc3339
from angarium.ports.log_inspection import GroupMember
from angarium.ports.store_inspection import StoreNode
from angarium.services.status import PartitionStatus, Status

_HEADINGS = ("partition", "first", "end", "committed", "lag", "watermark", "owner")
_RIGHT_ALIGNED = 5
_UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One line of the table.

    Attributes:
        text: Harmless text.
        style: How it looks where colours are wanted.
    """

    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class StatusReport:
    """Shows a status.

    Attributes:
        status: What could be read.
    """

    status: Status

    def lines(self) -> Iterator[ReportLine]:
        """Format what answered, the sums at the end.

        Yields:
            The lines, text from others in them escaped.
        """
        if self.status.log is not None:
            yield from _table(self.status.log.partitions, None)
        yield from self._sums()

    def problems(self) -> Iterator[ReportLine]:
        """Say why something is missing.

        Yields:
            The lines, text from others in them escaped.
        """
        for problem in self.status.problems:
            yield ReportLine(escape_unprintable(f"problem    {problem}"), Style.YELLOW)

    def screen_lines(self, most: int) -> Iterator[ReportLine]:
        """Format everything for a screen, the sums at its top.

        Args:
            most: How many lines there is room for. Of the partitions
                the last ones may be left out, which is said.

        Yields:
            The lines, text from others in them escaped.
        """
        sums = [*self._sums(), *self.problems()]
        yield from sums[:most]
        if self.status.log is not None and len(sums) < most:
            yield from _table(self.status.log.partitions, most - len(sums))

    def json(self) -> str:
        """Format the status for a program.

        Returns:
            One JSON object, in one line.
        """
        log, store = self.status.log, self.status.store
        size = {} if store.size_bytes is None else {"size_bytes": store.size_bytes}
        return json.dumps(
            {
                "partitions": [_partition_fields(each) for each in log.partitions] if log else [],
                "records": log and log.records,
                "lag": log and log.lag,
                "dead_letters": self.status.dead_letters,
                "members": [_member_fields(each) for each in log.members] if log else [],
                "store": {
                    "status": "ok" if store.answers else "unavailable",
                    "nodes": [_node_fields(each) for each in store.nodes],
                    **size,
                },
            },
            ensure_ascii=False,
        )

    def _sums(self) -> Iterator[ReportLine]:
        """Yield what holds for all partitions, and the store."""
        log, letters = self.status.log, self.status.dead_letters
        if log is None:
            yield ReportLine("log        unavailable", Style.YELLOW)
        else:
            kept = "unknown" if letters is None else f"{letters:,}"
            noun = "record" if log.records == 1 else "records"
            yield ReportLine(
                f"log        {log.records:,} {noun}, lag {log.lag:,}, dead letters {kept}",
                Style.YELLOW if log.lag else Style.PLAIN,
            )
            yield ReportLine(f"members    {_members_words(log.members)}")
        yield self._store_line()

    def _store_line(self) -> ReportLine:
        """Return the line about the store."""
        store = self.status.store
        parts = ["ok" if store.answers else "unavailable"]
        if store.nodes:
            parts.append(", ".join(map(_node_words, store.nodes)))
        if store.size_bytes is not None:
            parts.append(_size_words(store.size_bytes))
        well = store.answers and all(node.is_up for node in store.nodes)
        text = escape_unprintable(f"store      {'; '.join(parts)}")
        return ReportLine(text, Style.PLAIN if well else Style.YELLOW)


def _table(partitions: Sequence[PartitionStatus], room: int | None) -> Iterator[ReportLine]:
    """Yield the table of partitions, as much of it as there is room."""
    fits = room is None or len(partitions) + 1 <= room
    shown = partitions if fits or room is None else partitions[: max(0, room - 2)]
    rows = [_HEADINGS, *map(_row, shown)]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    if shown:
        yield ReportLine(_align(_HEADINGS, widths), Style.DIM)
    for partition, row in zip(shown, rows[1:], strict=True):
        yield ReportLine(_align(row, widths), Style.YELLOW if partition.lag else Style.PLAIN)
    if not fits:
        left_out = partitions[len(shown) :]
        lag = sum(each.lag for each in left_out)
        what = "more partitions" if shown else "partitions"
        yield ReportLine(f"and {len(left_out)} {what}, lag {lag:,}", Style.DIM)


def _row(partition: PartitionStatus) -> Sequence[str]:
    """Return the cells of a partition."""
    committed = partition.committed
    return (
        str(partition.partition),
        str(partition.held.first),
        str(partition.held.end),
        _UNKNOWN if committed is None else str(committed.offset),
        str(partition.lag),
        _watermark(partition) or _UNKNOWN,
        _UNKNOWN if partition.owner is None else escape_unprintable(partition.owner),
    )


def _align(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Put cells into a line, numbers to the right."""
    placed = [
        cell.rjust(columns) if number < _RIGHT_ALIGNED else cell.ljust(columns)
        for number, (cell, columns) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(placed).rstrip()


def _watermark(partition: PartitionStatus) -> str | None:
    """Return the largest append time that was committed, if any."""
    committed = partition.committed
    return None if committed is None or committed.watermark < 0 else rfc3339(committed.watermark)


def _partition_fields(partition: PartitionStatus) -> dict[str, object]:
    """Describe a partition for --json."""
    committed = partition.committed
    return {
        "partition": partition.partition,
        "first": partition.held.first,
        "end": partition.held.end,
        "committed": None if committed is None else committed.offset,
        "lag": partition.lag,
        "watermark": _watermark(partition),
        "owner": partition.owner,
    }


def _member_fields(member: GroupMember) -> dict[str, object]:
    """Describe a member for --json."""
    return {"instance": member.instance, "partitions": list(member.partitions)}


def _node_fields(node: StoreNode) -> dict[str, object]:
    """Describe a node for --json."""
    return {"address": node.address, "status": _node_state(node)}


def _members_words(members: Sequence[GroupMember]) -> str:
    """Name the members, each with the number of its partitions."""
    if not members:
        return "none: no worker runs"
    return escape_unprintable(
        ", ".join(f"{each.instance} ({len(each.partitions)})" for each in members)
    )


def _node_words(node: StoreNode) -> str:
    """Name a node and its state."""
    return f"{node.address} {_node_state(node)}"


def _node_state(node: StoreNode) -> str:
    """Return the word for a node's state."""
    return "up" if node.is_up else "down"


def _size_words(size_bytes: int) -> str:
    """Return a size in the unit that suits it."""
    if size_bytes < 1024 * 1024:
        return f"{size_bytes / 1024:.0f} KiB"
    return f"{size_bytes / 1024 / 1024:,.1f} MiB"
