from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.timestamps import rfc3339

NOON = 1_763_380_800_000
LAST = 253_402_300_799_999


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NOON, "2025-11-17T12:00:00.000Z"),
        (NOON + 7, "2025-11-17T12:00:00.007Z"),
        (LAST, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_moment_is_written_in_utc_with_milliseconds(ms: int, text: str) -> None:
    assert rfc3339(ms) == text


@given(st.integers(min_value=0, max_value=LAST))
def test_any_moment_is_written_as_the_library_writes_it(ms: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    expected = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert rfc3339(ms) == expected
