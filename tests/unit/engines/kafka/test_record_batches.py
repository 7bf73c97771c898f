"""The batch format, read by its public specification; kafka-python's
own reader is the oracle.
"""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record import MemoryRecordsBuilder
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from angarium.engines.kafka.record_batches import (
    MalformedBatch,
    RecordBatch,
    decode,
    open_batch,
    split,
)
from angarium.engines.kafka.record_sizes import max_batch_bytes
from angarium.ports.message_log import Record
from tests.unit.engines.kafka.patches.fetching import sealed

GZIP = 1
HEADER = 61
LAST_DELTA, COUNT = 23, 57

fields = st.none() | st.binary(max_size=300)
headers = st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=20)), max_size=4)
times = st.integers(0, 2**48)
contents = st.lists(st.tuples(times, fields, fields, headers), min_size=1, max_size=8)

Content = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]


def made(records: list[Content], codec: int = 0, first: int = 0) -> bytes:
    """A batch as the library's producer makes it, at an offset."""
    builder = MemoryRecordsBuilder(2, codec, 1 << 20)
    for time, key, value, names in records:
        builder.append(time, key, value, names)
    builder.close()
    data = bytearray(builder.buffer())
    struct.pack_into(">q", data, 0, first)
    return bytes(data)


def opened(data: bytes) -> RecordBatch:
    batch = open_batch(memoryview(data))
    assert batch is not None
    return batch


@given(contents, st.sampled_from([0, GZIP]), st.integers(0, 2**40))
def test_every_batch_is_read_as_the_library_reads_it(
    records: list[Content], codec: int, first: int
) -> None:
    data = made(records, codec, first)
    batch, its_own = opened(data), DefaultRecordBatch(data)
    assert its_own.validate_crc()
    for name in (
        "base_offset",
        "last_offset",
        "next_offset",
        "leader_epoch",
        "producer_id",
        "records_count",
    ):
        assert getattr(batch, name) == getattr(its_own, name), name
    assert batch.is_control == its_own.is_control_batch
    assert batch.is_transactional == its_own.is_transactional
    assert batch.has_producer_id == its_own.has_producer_id()
    expected = [
        Record(3, each.offset, each.timestamp, each.key, each.value, dict(each.headers))
        for each in its_own
    ]
    assert list(decode(batch, 3, first)) == expected


@given(contents, st.data())
def test_whatever_the_bytes_are_no_record_comes_twice_or_from_elsewhere(
    records: list[Content], drawn: st.DataObject
) -> None:
    """With a checksum that fits: a producer made it so."""
    data = bytearray(made(records))
    for _ in range(drawn.draw(st.integers(1, 3))):
        data[drawn.draw(st.integers(HEADER, len(data) - 1))] = drawn.draw(st.integers(0, 255))
    batch = opened(sealed(data))
    offsets = [record.offset for record in decode(batch, 0, 0)]
    assert offsets == sorted(set(offsets))
    assert all(batch.base_offset <= offset <= batch.last_offset for offset in offsets)
    assert offsets[-1] == batch.last_offset, "nothing is passed over in silence"


@given(st.binary(max_size=200))
def test_bytes_that_are_no_batch_are_not_opened(data: bytes) -> None:
    assert [open_batch(each) for each in split(memoryview(data))] in ([], [None])


@pytest.mark.parametrize("version", [0, 1, 3])
def test_another_version_of_the_format_is_not_opened(version: int) -> None:
    data = bytearray(made([(0, b"key", b"value", [])]))
    data[16] = version
    assert open_batch(memoryview(sealed(data))) is None


def test_a_record_that_is_said_to_lie_beyond_its_batch_is_not_given_out() -> None:
    data = bytearray(made([(0, b"key", b"a", []), (0, b"key", b"b", [])]))
    struct.pack_into(">i", data, LAST_DELTA, 0)
    batch = opened(sealed(data))
    with pytest.raises(MalformedBatch):
        list(batch.records(0))
    assert [record.offset for record in decode(batch, 0, 0)] == [0]


def test_a_value_that_ends_behind_its_batch_is_not_given_out_in_part() -> None:
    data = bytearray(made([(0, None, b"value", [])]))
    assert data[HEADER] == 2 * (len(data) - HEADER - 1), "the record's length"
    data[HEADER] += 2
    data[data.index(b"value") - 1] += 2
    (record,) = decode(opened(sealed(data)), 0, 0)
    assert record.problem is not None
    assert record.value == sealed(data)


@given(fields, fields, headers)
def test_the_size_of_a_batch_is_computed_as_the_library_does(
    key: bytes | None, value: bytes | None, names: list[tuple[str, bytes]]
) -> None:
    its_own = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, value, names)
    assert max_batch_bytes(key, value, names) == its_own


@pytest.mark.parametrize("size", [0, 1, 63, 64, 127, 128, 8191, 8192, 16_384, 1 << 20, 1 << 21])
def test_a_size_is_exact_around_the_lengths_at_which_a_length_takes_more_bytes(size: int) -> None:
    its_own = DefaultRecordBatchBuilder.estimate_size_in_bytes(None, bytes(size), [])
    assert max_batch_bytes(None, bytes(size), []) == its_own
