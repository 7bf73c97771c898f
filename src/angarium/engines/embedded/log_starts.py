"""Where each partition's log starts (docs/adr/0018).

Records before the start were removed, or belong to a log that was left
behind by an export. The watermark of the start takes their place: with
it a consumer computes the same positions as with the records.
"""

import sqlite3
from collections.abc import Mapping, Sequence

from angarium.engines.embedded import bulk_sql
from angarium.ports.message_log import BEGINNING, Position

_READ = "SELECT partition, offset, watermark FROM log_starts"
_READ_ONE = "SELECT offset, watermark FROM log_starts WHERE partition = ?"
_ADVANCE = (
    "INSERT INTO log_starts (partition, offset, watermark) {values}"
    " ON CONFLICT (partition) DO UPDATE"
    " SET offset = excluded.offset, watermark = max(watermark, excluded.watermark)"
    " WHERE excluded.offset >= offset"
)


def read_log_starts(connection: sqlite3.Connection) -> dict[int, Position]:
    """Read from where each partition's log explains the store.

    Args:
        connection: To read from.

    Returns:
        By partition: the offset of the first record that may be there,
        and the largest append time of all records before it. A
        partition that is not in it starts at `BEGINNING`.
    """
    found: Sequence[tuple[int, int, int]] = connection.execute(_READ).fetchall()
    return {partition: Position(offset, watermark) for partition, offset, watermark in found}


def read_log_start(connection: sqlite3.Connection, partition: int) -> Position:
    """Read from where one partition's log explains the store.

    Args:
        connection: To read from.
        partition: Which partition.

    Returns:
        As in `read_log_starts`.
    """
    found: tuple[int, int] | None = connection.execute(_READ_ONE, (partition,)).fetchone()
    return BEGINNING if found is None else Position(*found)


def advance_log_starts(connection: sqlite3.Connection, starts: Mapping[int, Position]) -> None:
    """Move the starts of partitions forward.

    Records before a new start must be removed in the same transaction.

    Args:
        connection: In a transaction.
        starts: By partition; one that goes back changes nothing, and a
            watermark never falls.
    """
    bulk_sql.execute(
        connection,
        _ADVANCE,
        [(partition, each.offset, each.watermark) for partition, each in starts.items()],
    )
