"""kafka-python's own fetcher, handed answers that no well-behaved
broker or producer would make.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace

from kafka.consumer.fetcher import CompletedFetch, Fetcher
from kafka.consumer.subscription_state import SubscriptionState
from kafka.errors import LogTruncationError
from kafka.record import MemoryRecordsBuilder
from kafka.record.util import calc_crc32c
from kafka.structs import OffsetAndMetadata, TopicPartition

from angarium.engines.kafka.patches.fetcher import TolerantFetcher
from angarium.ports.message_log import Record

TOPIC = "messages"
TIME = 1_700_000_000_000
LZ4 = 3
OFFSET_OUT_OF_RANGE = 1

_CRC, _ATTRIBUTES, _LAST_DELTA, _PRODUCER_ID = 17, 21, 23, 43
_BATCH = 500
_LOG_APPEND_TIME = 8
_TRANSACTIONAL = 16
_CONTROL = 32
_MARKER_KEY = struct.Struct(">hh")

Headers = Sequence[tuple[str, bytes]]


def batch(first: int, *values: bytes, headers: Headers = (), codec: int = 0) -> bytes:
    """Make a batch as a producer does and a broker keeps it."""
    builder = MemoryRecordsBuilder(2, 0, 1 << 20)
    for value in values:
        builder.append(TIME, b"key", value, list(headers))
    builder.close()
    data = bytearray(builder.buffer())
    struct.pack_into(">q", data, 0, first)
    struct.pack_into(">h", data, _ATTRIBUTES, _LOG_APPEND_TIME | codec)
    return sealed(data)


def transactional(data: bytes, producer_id: int) -> bytes:
    """Make a batch a part of a producer's transaction."""
    return _by(data, producer_id, _TRANSACTIONAL)


def marker(offset: int, producer_id: int, committed: bool) -> bytes:
    """Make the batch that ends a transaction, as a broker writes it."""
    builder = MemoryRecordsBuilder(2, 0, 1 << 20)
    builder.append(TIME, _MARKER_KEY.pack(0, committed), bytes(6), [])
    builder.close()
    data = bytearray(builder.buffer())
    struct.pack_into(">q", data, 0, offset)
    return _by(data, producer_id, _TRANSACTIONAL | _CONTROL)


def _by(data: bytes | bytearray, producer_id: int, attributes: int) -> bytes:
    whole = bytearray(data)
    struct.pack_into(">h", whole, _ATTRIBUTES, attributes | _LOG_APPEND_TIME)
    struct.pack_into(">q", whole, _PRODUCER_ID, producer_id)
    return sealed(whole)


def sealed(data: bytes | bytearray) -> bytes:
    """Give a batch the checksum that fits it."""
    whole = bytearray(data)
    struct.pack_into(">I", whole, _CRC, calc_crc32c(memoryview(whole)[_ATTRIBUTES:]))
    return bytes(whole)


def damaged(data: bytes) -> bytes:
    """Turn a bit of the last record over."""
    return data[:-1] + bytes([data[-1] ^ 1])


def with_last_delta(data: bytes, delta: int) -> bytes:
    """Turn bits of a batch's own account over, which its checksum
    tells.
    """
    whole = bytearray(data)
    struct.pack_into(">i", whole, _LAST_DELTA, delta)
    return bytes(whole)


class Fetching:
    """A fetcher of some partitions, all assigned and read from their
    beginning.
    """

    def __init__(self, partitions: int = 1, is_mended: bool = True) -> None:
        self._topic_partitions = [
            TopicPartition(TOPIC, partition) for partition in range(partitions)
        ]
        self.subscriptions = SubscriptionState(offset_reset_strategy="none")
        self.subscriptions.subscribe(topics=[TOPIC])
        self.subscriptions.group_subscribe([TOPIC])
        self.subscriptions.assign_from_subscribed(self._topic_partitions)
        manager = SimpleNamespace(_net=None)
        self.fetcher = Fetcher(
            SimpleNamespace(_manager=manager),
            self.subscriptions,
            metrics=None,
            isolation_level="read_committed",
        )
        if is_mended:
            TolerantFetcher.mend(self.fetcher)
        for each in self._topic_partitions:
            self.subscriptions.seek(each, 0)

    def position(self, partition: int = 0) -> int:
        """Tell what is asked for next."""
        return int(self.subscriptions.position(self._topic_partitions[partition]).offset)

    def take(
        self, *answers: tuple[int, bytes], error: int = 0, aborted: Sequence[tuple[int, int]] = ()
    ) -> Mapping[int, Sequence[Record]]:
        """Let answers come, of a partition each, and take what the
        library gives out.

        The broker names aborted transactions by producer and first
        offset.
        """
        for partition, data in answers:
            self.answer(partition, data, error, aborted)
        records, _ = self.fetcher.fetched_records(_BATCH)
        return {each.partition: found for each, found in records.items()}

    def answer(
        self, partition: int, data: bytes, error: int = 0, aborted: Sequence[tuple[int, int]] = ()
    ) -> None:
        """Let an answer come."""
        answer = SimpleNamespace(
            error_code=error,
            high_watermark=1 << 40,
            diverging_epoch=None,
            aborted_transactions=[
                SimpleNamespace(producer_id=producer_id, first_offset=first)
                for producer_id, first in aborted
            ],
            records=data,
            preferred_read_replica=-1,
        )
        self.fetcher._completed_fetches.append(
            CompletedFetch(
                self._topic_partitions[partition], self.position(partition), 12, answer, None
            )
        )

    def read(self, end: int, answer: Callable[[int], bytes]) -> list[Record]:
        """Fetch from the first partition until its position is
        `end`.
        """
        records: list[Record] = []
        for _ in range(200):
            if self.position() >= end:
                return records
            records.extend(self.take((0, answer(self.position()))).get(0, ()))
        raise AssertionError(f"the position stays at {self.position()}")

    def truncate(self, partition: int, divergent: OffsetAndMetadata | None) -> None:
        """Let the broker say that a log was cut off."""
        self.fetcher._cached_log_truncation = LogTruncationError(
            {self._topic_partitions[partition]: divergent}
        )
