from collections.abc import Iterator
from uuid import UUID

import pytest

from angarium.domain.message import MAX_CONTENT_BYTES, Message, MessagePosition, Status
from angarium.domain.page_size import (
    FIELDS_BYTES,
    MAX_PAGE_BYTES,
    count_fitting,
    first_page,
    message_bytes,
    read_one_page,
)

SOMEBODY = UUID(int=1)


def message(content: str) -> Message:
    return Message(
        SOMEBODY, SOMEBODY, SOMEBODY, SOMEBODY, content, MessagePosition(1, 1), Status.SENT
    )


def test_a_hundred_of_the_largest_plain_texts_fit_on_a_page() -> None:
    largest = message("a" * MAX_CONTENT_BYTES)
    assert count_fitting([message_bytes(largest)] * 100) == 100


@pytest.mark.parametrize(
    "text", ["\x01", "\x1f", "\n", '"', "\\", "é", "😀", "a", "\x7f", "\u2028"]
)
def test_the_largest_message_fits_by_itself(text: str) -> None:
    largest = message(text * (MAX_CONTENT_BYTES // len(text.encode())))
    assert message_bytes(largest) <= 6 * MAX_CONTENT_BYTES + FIELDS_BYTES + 2 < MAX_PAGE_BYTES


def test_the_item_that_would_be_one_too_many_is_left_out() -> None:
    assert count_fitting([MAX_PAGE_BYTES // 2] * 2 + [1]) == 2
    assert count_fitting([MAX_PAGE_BYTES // 2, MAX_PAGE_BYTES // 2 + 1]) == 1
    assert count_fitting([]) == 0


def test_there_is_at_least_one_item_however_large_it_is() -> None:
    assert count_fitting([2 * MAX_PAGE_BYTES, 1]) == 1


def test_nothing_is_read_behind_the_message_that_is_one_too_many() -> None:
    taken = 0

    def endless() -> Iterator[Message]:
        nonlocal taken
        while True:
            taken += 1
            yield message("\x01" * MAX_CONTENT_BYTES)

    found = read_one_page(endless())
    assert len(found) == taken == 19
    assert first_page(found, 100) == found[:18]


@pytest.mark.parametrize("size", [1, 2, 17, 18, 19, 30])
@pytest.mark.parametrize("limit", [1, 17, 18, 19, 30])
def test_a_page_shows_as_many_as_its_limit_and_its_size_allow(size: int, limit: int) -> None:
    text = "\x01" * MAX_CONTENT_BYTES
    stored = [message(text)._replace(delivered_at=number) for number in range(size)]
    assert first_page(read_one_page(stored[: limit + 1]), limit) == stored[: min(limit, 18)]
