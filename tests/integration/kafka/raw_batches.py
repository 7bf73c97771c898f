"""Batches of producers that are not ours, and disks that forget."""

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import kafka
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.util import calc_crc32c

from angarium.engines.kafka.connection import KafkaConnectionSettings
from tests.engines.kafka_server import KafkaServer

_LENGTH, _CRC, _ATTRIBUTES, _HEADER = 8, 17, 21, 61
_BEFORE_LENGTH = 12
_LZ4 = 3
_LZ4_FRAME = bytes.fromhex("04224d18604082")
_AS_IT_IS = 1 << 31

Change = Callable[[bytes], bytes]


def in_lz4(batch: bytes) -> bytes:
    """Put a batch into LZ4, as a producer with `compression.type=lz4`
    does.
    """
    records = batch[_HEADER:]
    frame = _LZ4_FRAME + struct.pack("<I", len(records) | _AS_IT_IS) + records + bytes(4)
    whole = bytearray(batch[:_HEADER] + frame)
    struct.pack_into(">i", whole, _LENGTH, len(whole) - _BEFORE_LENGTH)
    struct.pack_into(">h", whole, _ATTRIBUTES, _LZ4)
    return _sealed(whole)


def with_an_odd_header(batch: bytes) -> bytes:
    """Make a header's name `odd` one that is no UTF-8."""
    return _sealed(bytearray(batch.replace(b"odd", b"\xff\xfe\xfd")))


def produce(
    connection: KafkaConnectionSettings,
    topic: str,
    values: Sequence[bytes],
    change: Change,
    partition: int = 0,
) -> None:
    """Send one batch, changed just before it goes."""
    with _changing(change):
        producer = kafka.KafkaProducer(linger_ms=5_000, **connection.options())
        try:
            headers = [("odd", b"1"), ("trace_id", b"f" * 32)]
            sent = [
                producer.send(topic, value, b"key", headers, partition=partition)
                for value in values
            ]
            producer.flush(timeout=30)
            offsets = [each.get(timeout=30).offset for each in sent]
        finally:
            producer.close()
    assert offsets == list(range(offsets[0], offsets[0] + len(values)))


def damage(server: KafkaServer, topic: str, partition: int, value: bytes) -> None:
    """Turn a bit over in what the broker has of a value on its disk."""
    (segment,) = (server.folder / "data" / f"{topic}-{partition}").glob("*.log")
    data = segment.read_bytes()
    assert data.count(value) == 1
    with segment.open("r+b") as file:
        file.seek(data.index(value))
        file.write(bytes([value[0] ^ 1]))


@contextmanager
def _changing(change: Change) -> Iterator[None]:
    build = DefaultRecordBatchBuilder.build
    DefaultRecordBatchBuilder.build = lambda builder: bytearray(change(bytes(build(builder))))
    try:
        yield
    finally:
        DefaultRecordBatchBuilder.build = build


def _sealed(batch: bytearray) -> bytes:
    struct.pack_into(">I", batch, _CRC, calc_crc32c(memoryview(batch)[_ATTRIBUTES:]))
    return bytes(batch)
