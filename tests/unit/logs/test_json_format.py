import json
import logging
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.logs.json_format import JsonFormatter
from angarium.logs.line import Line

FORMATTER = JsonFormatter("api", "host-1")


class Colour(StrEnum):
    RED = "red"


def line(message: str = "hello", error: BaseException | None = None, **fields: object) -> Line:
    return Line("angarium.api", logging.INFO, "greeted", message, fields, error)


def read(record: logging.LogRecord) -> dict[str, object]:
    text = FORMATTER.format(record)
    assert "\n" not in text
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def test_a_line_has_its_fixed_parts_in_a_fixed_order() -> None:
    assert list(read(line()).items())[1:] == [
        ("level", "INFO"),
        ("service", "api"),
        ("instance", "host-1"),
        ("action", "greeted"),
        ("message", "hello"),
    ]


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.0, "2023-11-14T22:13:20.000Z"),
        (1_700_000_000.9995, "2023-11-14T22:13:20.999Z"),
        (1_700_000_001.001953125, "2023-11-14T22:13:21.001Z"),
    ],
)
def test_the_time_is_rfc_3339_in_utc_with_milliseconds(seconds: float, written: str) -> None:
    record = line()
    record.created = seconds
    assert read(record)["time"] == written


def test_the_ids_of_the_work_stand_behind_the_fixed_parts() -> None:
    found = read(line(trace_id="f" * 32, message_id=UUID(int=7), status=202, duration_ms=1.25))
    assert list(found.items())[6:] == [
        ("trace_id", "f" * 32),
        ("message_id", "00000000-0000-0000-0000-000000000007"),
        ("status", 202),
        ("duration_ms", 1.25),
    ]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, None),
        (True, True),
        (10**20, 10**20),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (Colour.RED, "red"),
        ([1, UUID(int=1)], [1, str(UUID(int=1))]),
        ({"a": {"b": ()}}, {"a": {"b": []}}),
        ([float("inf")], "[inf]"),
        (b"bytes", "b'bytes'"),
        (ValueError("no"), "no"),
    ],
)
def test_any_value_is_written_as_json_that_everybody_reads(value: object, written: object) -> None:
    assert read(line(field=value))["field"] == written


@given(
    st.text(alphabet=st.characters()),
    st.dictionaries(
        st.text(alphabet=st.characters(), min_size=1).filter(
            lambda name: name not in read(line())
        ),
        st.text(alphabet=st.characters())
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False),
    ),
)
def test_any_text_is_one_line_of_ascii_that_reads_back(
    message: str, fields: dict[str, object]
) -> None:
    record = Line("angarium.api", logging.INFO, "greeted", message, fields)
    text = FORMATTER.format(record)
    assert text.isascii()
    assert text.isprintable()
    found = json.loads(text)
    assert found["message"] == message
    assert {name: found[name] for name in fields} == fields


def test_an_error_brings_its_type_and_traceback() -> None:
    try:
        raise LookupError("nothing there")
    except LookupError as error:
        found = read(line(error=error))
    assert found["error_type"] == "LookupError"
    traceback = found["traceback"]
    assert isinstance(traceback, str)
    assert traceback.startswith("Traceback (most recent call last):\n")
    assert traceback.endswith("LookupError: nothing there")


def test_a_library_s_line_names_the_library() -> None:
    record = logging.LogRecord("kafka.conn", logging.WARNING, "", 0, "%s of %d", ("one", 2), None)
    found = read(record)
    assert (found["action"], found["message"], found["logger"]) == (
        "library",
        "one of 2",
        "kafka.conn",
    )
    assert found["level"] == "WARNING"
