from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.api.timestamps import MIN_MILLISECONDS, is_in_seconds, parse_timestamp
from angarium.domain.timestamps import rfc3339
from angarium.services.cursors import MAX_TIMESTAMP

NOON = 1_763_380_800_000


@given(st.integers(min_value=0, max_value=MAX_TIMESTAMP))
def test_a_written_moment_is_read_back(ms: int) -> None:
    assert parse_timestamp(rfc3339(ms)) == ms
    if ms >= MIN_MILLISECONDS:
        assert parse_timestamp(str(ms)) == ms


@given(
    st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001
    st.integers(min_value=-1439, max_value=1439),
)
def test_an_offset_is_taken_off(local: datetime, minutes: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    hours, rest = divmod(abs(minutes), 60)
    text = f"{local.isoformat()}{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"
    assert parse_timestamp(text) == expected


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2025-11-17T12:00:00Z", NOON),
        ("2025-11-17t12:00:00z", NOON),
        ("2025-11-17T12:00:00.5Z", NOON + 500),
        ("2025-11-17T12:00:00.0019999999999Z", NOON + 1),
        ("2025-11-17T12:00:00-00:00", NOON),
        ("2025-11-17T17:45:00+05:45", NOON),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2017-01-01T05:29:60+05:30", 1_483_228_800_000),
        ("1969-12-31T23:59:59Z", 0),
        ("0001-01-01T00:00:00+23:59", 0),
        ("0000-02-29T00:00:00Z", 0),
        ("9999-12-31T23:59:59.9999-23:59", MAX_TIMESTAMP),
        ("0", 0),
        ("000", 0),
        ("100000000000", 100_000_000_000),
        ("0100000000000", 100_000_000_000),
    ],
)
def test_every_form_of_the_standard_is_read(text: str, ms: int) -> None:
    assert parse_timestamp(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2025-11-17",
        "2025-11-17T12:00:00",
        "2025-11-17T12:00Z",
        "2025-11-17 12:00:00Z",
        "2025-11-17T12:00:00+0200",
        "2025-11-17T12:00:00+24:00",
        "2025-11-17T12:00:00.Z",
        "2025-11-17T24:00:00Z",
        "2025-11-17T12:60:00Z",
        "2025-11-17T12:00:60Z",
        "2025-11-17T12:00:61Z",
        "2025-02-29T12:00:00Z",
        "2025-13-01T12:00:00Z",
        "2025-00-01T12:00:00Z",
        "2025-11-17T12:00:00Z ",
        "2025-11-17T12:00:00Z\n",
        "٢٠٢٥-11-17T12:00:00Z",
        "12025-11-17T12:00:00Z",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "٣",
        "253402300800000",
        "1",
        "1763380800",
        "99999999999",
        "1" * 5000,
    ],
)
def test_anything_else_is_no_timestamp(text: str) -> None:
    assert parse_timestamp(text) is None


def test_seconds_are_told_from_other_faults() -> None:
    for text in ("1", "1763380800", "99999999999"):
        assert is_in_seconds(text)
    for text in ("", "-1", "1.5", "yesterday", "253402300800000"):
        assert not is_in_seconds(text)
