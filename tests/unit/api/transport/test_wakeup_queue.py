import select
import threading
from collections.abc import Iterator

import pytest

from angarium.api.transport.wakeup_queue import WakeupQueue


@pytest.fixture
def mailbox() -> Iterator[WakeupQueue[int]]:
    made: WakeupQueue[int] = WakeupQueue()
    yield made
    made.close()


def readable(mailbox: WakeupQueue[int], seconds: float = 0) -> bool:
    return bool(select.select([mailbox], [], [], seconds)[0])


def test_items_come_out_in_the_order_of_going_in(mailbox: WakeupQueue[int]) -> None:
    for number in range(3):
        mailbox.put(number)
    assert list(mailbox.items()) == [0, 1, 2]
    assert list(mailbox.items()) == []


def test_a_reader_that_is_awake_is_not_woken(mailbox: WakeupQueue[int]) -> None:
    mailbox.put(1)
    assert not readable(mailbox)


def test_a_reader_that_sleeps_is_woken_once_for_a_bunch(mailbox: WakeupQueue[int]) -> None:
    assert mailbox.prepare_to_sleep()
    mailbox.put(1)
    assert readable(mailbox)
    mailbox.clear()
    mailbox.put(2)
    assert not readable(mailbox)
    assert list(mailbox.items()) == [1, 2]


def test_nobody_goes_to_sleep_over_items(mailbox: WakeupQueue[int]) -> None:
    mailbox.put(1)
    assert not mailbox.prepare_to_sleep()


def test_one_who_woke_by_something_else_is_not_woken(mailbox: WakeupQueue[int]) -> None:
    assert mailbox.prepare_to_sleep()
    mailbox.awake()
    mailbox.put(1)
    assert not readable(mailbox)


def test_a_reader_can_be_woken_without_an_item(mailbox: WakeupQueue[int]) -> None:
    mailbox.wake()
    assert readable(mailbox)


def test_however_often_it_is_woken_nobody_blocks(mailbox: WakeupQueue[int]) -> None:
    for _ in range(100_000):
        mailbox.wake()
    mailbox.clear()
    assert not readable(mailbox)


def test_items_that_come_while_others_are_taken_wait_for_the_next_round(
    mailbox: WakeupQueue[int],
) -> None:
    mailbox.put(0)
    for number in mailbox.items():
        mailbox.put(number + 1)
    assert list(mailbox.items()) == [1]


def test_no_item_of_many_threads_is_overslept(mailbox: WakeupQueue[int]) -> None:
    def bring() -> None:
        for number in range(2_000):
            mailbox.put(number)

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    taken = 0
    while taken < 8_000:
        if mailbox.prepare_to_sleep():
            assert readable(mailbox, 30), "an item was put and nobody was woken"
            mailbox.clear()
        mailbox.awake()
        taken += len(list(mailbox.items()))
    for thread in threads:
        thread.join()


def test_a_closed_mailbox_takes_items_from_the_late(mailbox: WakeupQueue[int]) -> None:
    assert mailbox.prepare_to_sleep()
    mailbox.close()
    mailbox.put(1)
