import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest

from angarium.deadline import within
from angarium.domain.partitioning import partition_for
from angarium.ports.message_log import Appended, MessageLog, NewRecord
from tests.contract.ports.engine import PARTITIONS
from tests.contract.ports.reading import Reading
from tests.contract.ports.records import ANSWER_S, append, keys_by_partition, new_key
from tests.contract.ports.registry import LOGS

pytestmark = pytest.mark.parametrize("engine", LOGS, indirect=True)


def test_the_key_chooses_the_partition(log: MessageLog) -> None:
    for key in (new_key() for _ in range(20)):
        assert append(log, "v", key).partition == partition_for(key, PARTITIONS)


def test_records_appended_one_after_the_other_keep_that_order_for_ever(
    log: MessageLog, read: Callable[[str], Reading], group: str
) -> None:
    key = new_key()
    appended = [append(log, f"{number}", key) for number in range(50)]
    offsets = [each.offset for each in appended]
    assert offsets == sorted(set(offsets))
    for each_group in (group, group + "-later"):
        reading = read(each_group)
        reading.until_all(50)
        assert reading.values() == [f"{number}".encode() for number in range(50)]


def test_a_record_is_read_back_as_it_was_appended_where_the_log_said(
    log: MessageLog, read: Callable[[str], Reading], group: str
) -> None:
    key = new_key()
    headers = {
        "trace_id": "0123456789abcdef" * 2,
        "schema": "1",
        "note": "größer, 大きい 👋",
        "empty": "",
    }
    appended = log.append(NewRecord(key, b"\x00value\xff\n \t'\"|", headers)).result(ANSWER_S)
    (record,) = read(group).until_all(1)
    assert (record.partition, record.offset, record.timestamp) == (
        appended.partition,
        appended.offset,
        appended.timestamp,
    )
    assert (record.key, record.value) == (key, b"\x00value\xff\n \t'\"|")
    assert dict(record.headers) == {name: text.encode() for name, text in headers.items()}


@pytest.mark.parametrize("value", [b"", bytes(range(256)), b"x" * 100_000])
def test_a_value_is_any_bytes(
    log: MessageLog, read: Callable[[str], Reading], group: str, value: bytes
) -> None:
    append(log, value, new_key())
    (record,) = read(group).until_all(1)
    assert record.value == value


def test_the_timestamp_is_the_log_s_own_time(log: MessageLog) -> None:
    before = time.time() * 1000
    appended = append(log, "v", new_key())
    assert before - 60_000 < appended.timestamp < time.time() * 1000 + 60_000


def test_records_of_many_threads_are_all_there_and_each_thread_s_in_order(
    log: MessageLog, read: Callable[[str], Reading], group: str
) -> None:
    keys = [new_key() for _ in range(8)]

    def append_all(key: bytes) -> list[Appended]:
        return [append(log, key + b"/%d" % number, key) for number in range(25)]

    with ThreadPoolExecutor(8) as pool:
        appended = [each for found in pool.map(append_all, keys) for each in found]
    assert len({(each.partition, each.offset) for each in appended}) == 200
    reading = read(group)
    records = reading.until_all(200)
    reading.poll()
    assert len(records) == 200
    for key in keys:
        assert [record.value for record in records if record.key == key] == [
            key + b"/%d" % number for number in range(25)
        ]


def test_many_records_may_be_on_their_way_at_once(
    log: MessageLog, read: Callable[[str], Reading], group: str
) -> None:
    keys = keys_by_partition(PARTITIONS)
    futures = [
        log.append(NewRecord(keys[number % PARTITIONS], b"%d" % number, {}))
        for number in range(400)
    ]
    positions = {(each.partition, each.offset) for each in (f.result(ANSWER_S) for f in futures)}
    assert len(positions) == 400
    records = read(group).until_all(400)
    assert {(record.partition, record.offset) for record in records} == positions
    assert sorted(int(record.value or b"") for record in records) == list(range(400))


def test_who_waits_for_an_append_may_be_called_back(log: MessageLog) -> None:
    told = Event()
    futures: list[Future[Appended]] = []

    def called_back(future: "Future[Appended]") -> None:
        futures.append(future)
        told.set()

    log.append(NewRecord(new_key(), b"v", {})).add_done_callback(called_back)
    assert told.wait(ANSWER_S)
    assert futures[0].result(0).offset >= 0


def test_a_log_that_takes_records_says_so(log: MessageLog) -> None:
    with within(ANSWER_S):
        log.check()
