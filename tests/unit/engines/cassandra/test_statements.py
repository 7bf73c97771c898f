"""What each statement must name, because of how Cassandra repairs."""

import re
from importlib.resources import files

import pytest

from angarium.engines import cassandra
from angarium.engines.cassandra.statements import Statement

_SCHEMA = files(cassandra).joinpath("schema.cql").read_text()
_TABLE = re.compile(r"TABLE IF NOT EXISTS (\w+) \((.*?)PRIMARY KEY \((.*?)\)\n", re.DOTALL)
_COLUMN = re.compile(r"^\s+(\w+) ", re.MULTILINE)

NEVER_READ = {"type"}
"""There is one type of conversation."""


def columns() -> dict[str, set[str]]:
    """The columns of each table beside its key."""
    return {
        table: set(_COLUMN.findall(body)) - set(re.findall(r"\w+", key)) - NEVER_READ
        for table, body, key in _TABLE.findall(_SCHEMA)
    }


def test_the_tables_are_found() -> None:
    found = columns()
    assert found["messages"] == {
        "sender_id",
        "recipient_id",
        "content",
        "status",
        "delivered_at",
    }
    assert len(found) == _SCHEMA.count("CREATE TABLE")


@pytest.mark.parametrize(
    "statement",
    [
        each
        for each in Statement
        if each.value.startswith("SELECT") and "DISTINCT" not in each.value
    ],
    ids=lambda statement: statement.name,
)
def test_a_read_names_every_column(statement: Statement) -> None:
    """Read repair copies only the columns that were read: whoever asks
    the other replicas for another column would find it missing.
    """
    selected, table = re.match(r"SELECT (.*) FROM \$keyspace\.(\w+)", statement.value).groups()  # type: ignore[union-attr]  # a SELECT
    assert columns()[table] - set(re.findall(r"\w+", selected)) == set()
