"""Many rows in one call.

Each step of SQLite gives up the interpreter lock, and beside a busy
thread it takes a switch interval to get it back: 64 rows one by one
took 550 ms, in one statement 20 ms. So rows are written by one
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
statement that is kept for reuse keeps what was bound to it as well, and
there is one for each number of rows: 64 of 60 KB each kept 120 MB."""

Value = int | str | bytes | None
Row = tuple[Value, ...]


def execute(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    """Run a statement over many rows.

    Args:
        connection: In a transaction.
        statement: SQL with `{values}` where the rows stand, as a table
            of `column1`, `column2`, ….
        rows: All of one width.
    """
    for chunk in _chunks(rows):
        connection.execute(
            _with_values(statement, len(chunk[0]), len(chunk)), list(chain.from_iterable(chunk))
        )


def select(connection: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> Iterator[str]:
    """Read one value for many rows at a time.

    Args:
        connection: To read from.
        statement: SQL with `{values}` where the rows stand; it gives
            one text, or NULL for nothing.
        rows: All of one width.

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
        source: What stands behind FROM.

    Returns:
        SQL; the order of the rows is not certain, sort them.
    """
    return f"SELECT json_group_array(json_array({columns})) FROM {source}"  # noqa: S608 - constants of this package


def read(
    connection: sqlite3.Connection, query: str, parameters: Sequence[Value]
) -> list[list[Value]]:
    """Run a query made by `in_one_value`.

    Args:
        connection: To read from.
        query: The SQL.
        parameters: What is bound.

    Returns:
        The rows, in no certain order.
    """
    found: tuple[str] = connection.execute(query, parameters).fetchone()
    return parse(found[0])


def parse(text: str) -> list[list[Value]]:
    """Read the rows of one value back.

    Args:
        text: What a query made by `in_one_value` gave.

    Returns:
        The rows.
    """
    return cast("list[list[Value]]", json.loads(text))


def as_json(texts: Iterable[str]) -> str:
    """Bind any number of texts as one value, for `json_each`.

    Args:
        texts: Such as ids.

    Returns:
        A JSON array.
    """
    return json.dumps(list(texts))


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield rows in portions that one statement takes, by count and by
    bytes.
    """
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
    # What is no text has at most 8 bytes, which is not worth counting.
    return len(value) * (1 if value.isascii() else 4) if isinstance(value, str) else 0


@lru_cache(maxsize=1024)
def _with_values(statement: str, width: int, count: int) -> str:
    row = f"({','.join('?' * width)})"
    return statement.replace("{values}", f"VALUES {','.join([row] * count)}")
