"""Many rows in one statement.

Each step of SQLite gives up the interpreter lock, and while another
thread is busy it takes a switch interval to get it back: 64 rows one by
one took 550 ms, in one statement 20 ms. So rows are written by one
statement and read back as one value.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import cast

MAX_COUNT = 64
"""Rows in one statement; more are split."""

MAX_BYTES = 64 * 1024
"""Bytes of values in one statement, if it has more than one row. A
cached statement keeps the values that were bound to it, and there is
one for each number of rows: 64 of 60 KB each kept 120 MB.
"""

Value = int | str | bytes | None
Row = tuple[Value, ...]


def execute(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    """Run a statement over many rows.

    Args:
        connection: In a transaction.
        statement: SQL with `{values}` in place of the rows, which form
            a table of `column1`, `column2`, ….
        rows: All with the same number of columns.
    """
    for chunk in _chunks(rows):
        connection.execute(
            _with_values(statement, len(chunk[0]), len(chunk)), list(chain.from_iterable(chunk))
        )


def select(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> Iterator[str]:
    """Run a query over many rows, in few statements.

    Args:
        connection: To read from.
        statement: SQL with `{values}` in place of the rows; it returns
            one text, or NULL for nothing.
        rows: All with the same number of columns.

    Yields:
        The texts.
    """
    for chunk in _chunks(rows):
        sql = _with_values(statement, len(chunk[0]), len(chunk))
        found: tuple[str | None] = connection.execute(
            sql, list(chain.from_iterable(chunk))
        ).fetchone()
        if found[0] is not None:
            yield found[0]


def select_as_json(columns: str, source: str) -> str:
    """Write a query whose rows come as one JSON array.

    Args:
        columns: Expressions, separated by commas.
        source: What follows FROM.

    Returns:
        SQL; the rows are in no certain order, so sort them.
    """
    return f"SELECT json_group_array(json_array({columns})) FROM {source}"  # noqa: S608 - constants of this package


def read(
    connection: sqlite3.Connection, query: str, parameters: Sequence[Value]
) -> list[list[Value]]:
    """Run a query made by `select_as_json`.

    Args:
        connection: To read from.
        query: The SQL.
        parameters: One for each question mark.

    Returns:
        The rows, in no certain order.
    """
    found: tuple[str] = connection.execute(query, parameters).fetchone()
    return parse(found[0])


def parse(text: str) -> list[list[Value]]:
    """Decode the rows of one value.

    Args:
        text: What a query made by `select_as_json` returned.

    Returns:
        The rows.
    """
    return cast("list[list[Value]]", json.loads(text))


def as_json(texts: Iterable[str]) -> str:
    """Encode texts as one value, to bind for `json_each`.

    Args:
        texts: Such as ids.

    Returns:
        A JSON array.
    """
    return json.dumps(list(texts))


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield rows in chunks within MAX_COUNT and MAX_BYTES."""
    chunk: list[Row] = []
    held = 0
    for row in rows:
        size = sum(map(_bytes, row))
        if chunk and (len(chunk) == MAX_COUNT or held + size > MAX_BYTES):
            yield chunk
            chunk, held = [], 0
        chunk.append(row)
        held += size
    if chunk:
        yield chunk


def _bytes(value: Value) -> int:
    """Return the most bytes that a value takes in SQLite."""
    if isinstance(value, bytes):
        return len(value)
    # A number has at most 8 bytes, which are not worth counting.
    return len(value) * (1 if value.isascii() else 4) if isinstance(value, str) else 0


@lru_cache(maxsize=1024)
def _with_values(statement: str, width: int, count: int) -> str:
    """Return a statement with its VALUES; cached, for it is long."""
    row = f"({','.join('?' * width)})"
    return statement.replace("{values}", f"VALUES {','.join([row] * count)}")
