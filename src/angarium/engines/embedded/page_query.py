"""Reading a page of messages in pieces, to limit memory."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar

from angarium.domain.page_size import FIELDS_BYTES, MAX_CHARACTER_BYTES
from angarium.engines.embedded import bulk_sql

Item = TypeVar("Item")

PIECE_BYTES = 256 * 1024
"""Bytes of JSON that one statement returns, if it has more than one
row. SQLite, the driver and the JSON parser each hold a copy; the
texts of a hundred of the largest messages were 6.2 MB in each
(docs/adr/0007).
"""


class PageQuery(Generic[Item]):
    """A range of an index, read in one statement or in several."""

    def __init__(
        self,
        columns: str,
        page: str,
        read: Callable[[list[list[bulk_sql.Value]]], list[Item]],
        position: Callable[[Item], Sequence[bulk_sql.Value]],
    ) -> None:
        """Build the statements.

        Args:
            columns: Expressions, separated by commas.
            page: A SELECT of rows with a `content`. Its parameters are
                the rows' owner, the position after which they begin,
                and their maximum number.
            read: Decodes and sorts rows.
            position: Returns an item's position as `page` compares it.
        """
        self._rows = bulk_sql.select_as_json(columns, f"({page})")
        self._measured = (
            f"WITH page AS MATERIALIZED ({page})"  # noqa: S608 - constants of this package
            f" SELECT (SELECT max(length(content)) FROM page), CASE WHEN (SELECT"
            f" {MAX_CHARACTER_BYTES} * total(length(content)) + {FIELDS_BYTES} * count(*) FROM "
            "page)"
            f" <= {PIECE_BYTES} THEN (SELECT json_group_array(json_array({columns})) FROM page) "
            "END"
        )
        self._read = read
        self._position = position

    def run(
        self,
        connection: sqlite3.Connection,
        owner: str,
        start: Sequence[bulk_sql.Value],
        limit: int,
    ) -> Iterator[Item]:
        """Read the range, a piece when the caller needs it.

        Args:
            connection: To read from; each statement sees what was
                committed before it.
            owner: The id of a conversation or a recipient.
            start: The position after which the range begins.
            limit: Maximum number of items.

        Yields:
            The items, in order.
        """
        widest, text = connection.execute(self._measured, (owner, *start, limit)).fetchone()
        if text is not None:
            yield from self._read(bulk_sql.parse(text))
            return
        most = max(1, PIECE_BYTES // (MAX_CHARACTER_BYTES * widest + FIELDS_BYTES))
        while limit > 0:
            wanted = min(most, limit)
            found = self._read(bulk_sql.read(connection, self._rows, (owner, *start, wanted)))
            yield from found
            if len(found) < wanted:
                return
            start = self._position(found[-1])
            limit -= wanted
