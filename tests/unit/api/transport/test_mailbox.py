import select
import threading
from collections.abc import Iterator

import pytest

from angarium.api.transport.mailbox import Mailbox


@pytest.fixture
def mailbox() -> Iterator[Mailbox[int]]:
    made: Mailbox[int] = Mailbox()
    yield made
    made.close()


def readable(mailbox: Mailbox[int], seconds: float = 0) -> bool:
    return bool(select.select([mailbox], [], [], seconds)[0])


def test_items_come_out_in_the_order_of_going_in(mailbox: Mailbox[int]) -> None:
    for number in range(3):
        mailbox.put(number)
    assert list(mailbox.items()) == [0, 1, 2]
    assert list(mailbox.items()) == []


def test_a_reader_that_is_awake_is_not_woken(mailbox: Mailbox[int]) -> None:
    mailbox.put(1)
    assert not readable(mailbox)


def test_a_reader_that_sleeps_is_woken_once_for_a_bunch(mailbox: Mailbox[int]) -> None:
    assert mailbox.doze()
    mailbox.put(1)
    assert readable(mailbox)
    mailbox.clear()
    mailbox.put(2)
    assert not readable(mailbox)
    assert list(mailbox.items()) == [1, 2]


def test_nobody_goes_to_sleep_over_items(mailbox: Mailbox[int]) -> None:
    mailbox.put(1)
    assert not mailbox.doze()


def test_one_who_woke_by_something_else_is_not_woken(mailbox: Mailbox[int]) -> None:
    assert mailbox.doze()
    mailbox.rouse()
    mailbox.put(1)
    assert not readable(mailbox)


def test_a_reader_can_be_woken_without_an_item(mailbox: Mailbox[int]) -> None:
    mailbox.wake()
    assert readable(mailbox)


def test_however_often_it_is_woken_nobody_blocks(mailbox: Mailbox[int]) -> None:
    for _ in range(100_000):
        mailbox.wake()
    mailbox.clear()
    assert not readable(mailbox)


def test_items_that_come_while_others_are_taken_wait_for_the_next_round(mailbox: Mailbox[int]) -> None:
    mailbox.put(0)
    for number in mailbox.items():
        mailbox.put(number + 1)
    assert list(mailbox.items()) == [1]


def test_no_item_of_many_threads_is_overslept(mailbox: Mailbox[int]) -> None:
    def bring() -> None:
        for number in range(2_000):
            mailbox.put(number)

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    taken = 0
    while taken < 8_000:
        if mailbox.doze():
            assert readable(mailbox, 30), "an item was put and nobody was woken"
            mailbox.clear()
        mailbox.rouse()
        taken += len(list(mailbox.items()))
    for thread in threads:
        thread.join()


def test_a_closed_mailbox_takes_items_from_the_late(mailbox: Mailbox[int]) -> None:
    assert mailbox.doze()
    mailbox.close()
    mailbox.put(1)
