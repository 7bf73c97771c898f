"""Record batches of the log, decoded as far as possible.

The format is the record batch of Kafka's public protocol, version 2 of
the message format (kafka.apache.org/documentation/#recordbatch; KIP-98,
headers KIP-82), the only one that brokers since 4.0 store. The
library's own decoder stops at the first record that breaks a rule, and
returns neither the rest of the batch nor its bytes.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kafka import codec
from kafka.errors import UnsupportedCodecError

from angarium.engines.kafka.crc32c import crc32c
from angarium.ports.message_log import Record

UNKNOWN_TIME = -1
"""The append time of a batch with a wrong checksum: a wrong time could
move the largest append time forward for good.
"""

_HEADER = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES = _HEADER.size
"""Bytes of a batch before its first record."""

_LENGTH = struct.Struct(">8xi")
_CHECKED_FROM = 21
"""The checksum covers what follows it: the attributes and all after
them.
"""

_FORMAT = 2
_CODEC, _LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
_MAX_VARINT_BYTES = 10
"""Maximum bytes of a number of 64 bits, 7 bits in each."""


class MalformedBatch(ValueError):
    """Records of a batch that break the rules of the format."""


@dataclass(frozen=True, slots=True)
class _Codec:
    """A compression.

    Attributes:
        name: As Kafka names it.
        is_here: Tells whether this process can undo it.
        decompress: Undoes it.
    """

    name: str
    is_here: Callable[[], bool]
    decompress: Callable[[bytes], bytes]


_CODECS: Mapping[int, _Codec] = {
    1: _Codec("gzip", codec.has_gzip, codec.gzip_decode),
    2: _Codec("snappy", codec.has_snappy, codec.snappy_decode),
    3: _Codec("lz4", codec.has_lz4, codec.lz4_decode),
    4: _Codec("zstd", codec.has_zstd, codec.zstd_decode),
}


@dataclass(frozen=True, slots=True)
class RecordBatch:
    """One batch, whose records are not decoded yet.

    Attributes:
        data: All its bytes.
        base_offset: The offset of its first record when it was
            appended.
        leader_epoch: Counts the leaders of the partition.
        attributes: Flags of the batch, as the protocol defines them.
        last_offset: The offset of its last record, which may have been
            deleted since.
        first_timestamp: The base of the records' timestamps.
        max_timestamp: The largest of them; the append time where the
            topic says so.
        producer_id: The idempotent producer's id; -1 for none.
        records_count: How many records it has.
    """

    data: memoryview
    base_offset: int
    leader_epoch: int
    attributes: int
    last_offset: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    records_count: int

    @classmethod
    def parse(cls, data: memoryview) -> "RecordBatch":
        """Return the batch that a header describes, unverified.

        Args:
            data: The batch, with a complete header.

        Returns:
            The batch.
        """
        base, _, epoch, _, _, attributes, last_delta, first, latest, producer_id, _, _, count = (
            _HEADER.unpack_from(data)
        )
        return cls(
            data, base, epoch, attributes, base + last_delta, first, latest, producer_id, count
        )

    @property
    def next_offset(self) -> int:
        """The offset after its last record."""
        return self.last_offset + 1

    @property
    def has_producer_id(self) -> bool:
        """Whether an idempotent or transactional producer wrote it."""
        return self.producer_id >= 0

    @property
    def is_transactional(self) -> bool:
        """Whether it is a part of a transaction; the library asks."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Whether brokers wrote it for themselves, as a marker."""
        return bool(self.attributes & _CONTROL)

    def records(self, partition: int) -> Iterator[Record]:
        """Decode the records.

        Args:
            partition: The partition that holds the batch.

        Yields:
            The records. One with a header name that is not UTF-8
            reports it as its problem.

        Raises:
            UnsupportedCodecError: This process lacks the codec of their
                compression.
            MalformedBatch: The next record breaks the rules, or there
                are bytes after the last one.
        """
        data = self._records_bytes()
        position, after = 0, self.base_offset
        for _ in range(self.records_count):
            record, position = self._record(data, position, partition)
            if not after <= record.offset <= self.last_offset:
                raise MalformedBatch(f"offset {record.offset} is not in the batch")
            after = record.offset + 1
            yield record
        if position != len(data):
            raise MalformedBatch(f"{len(data) - position} bytes after the last record")

    def _records_bytes(self) -> bytes:
        """Return what follows the header, decompressed."""
        data = self.data[_HEADER.size :].tobytes()
        number = self.attributes & _CODEC
        if number == 0:
            return data
        found = _CODECS.get(number)
        if found is None or not found.is_here():
            name = found.name if found else f"number {number}"
            raise UnsupportedCodecError(f"the compression codec {name} is not installed")
        return found.decompress(data)

    def _record(self, data: bytes, start: int, partition: int) -> tuple[Record, int]:
        """Return the record at `start`, and where the next starts."""
        try:
            length, position = _varint(data, start)
            end = position + length
            time_delta, position = _varint(
                data, position + 1
            )  # after the attributes, which have no use yet
            offset_delta, position = _varint(data, position)
            key, position = _field(data, position)
            value, position = _field(data, position)
            headers, position, problem = _headers(data, position)
        except IndexError as error:
            raise MalformedBatch("a record extends beyond its batch") from error
        if position != end or end > len(data):
            raise MalformedBatch("the length of a record is wrong")
        is_appended = self.attributes & _LOG_APPEND_TIME
        time = self.max_timestamp if is_appended else self.first_timestamp + time_delta
        return Record(
            partition, self.base_offset + offset_delta, time, key, value, headers, problem
        ), end


def split(response: memoryview) -> Iterator[memoryview]:
    """Split a broker's answer into its batches, whatever they contain.

    Args:
        response: Batches, one after the other.

    Yields:
        The bytes of each batch. An incomplete last one is left out,
        unless it is the only one: the broker sends at least one
        complete batch.
    """
    begin = 0
    while len(response) - begin >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(response, begin)
        end = begin + _LENGTH.size + length
        if length < 0 or (end > len(response) and begin == 0):
            yield response[begin:]
            return
        if end > len(response):
            return
        yield response[begin:end]
        begin = end


def open_batch(data: memoryview) -> RecordBatch | None:
    """Return the batch of some bytes, if the checksum matches.

    Args:
        data: The batch's bytes.

    Returns:
        The batch; None when the checksum does not match.
    """
    if len(data) < _HEADER.size:
        return None
    _, _, _, version, checksum, *_ = _HEADER.unpack_from(data)
    if version != _FORMAT or crc32c(data[_CHECKED_FROM:]) != checksum:
        return None
    return RecordBatch.parse(data)


def decode(batch: RecordBatch, partition: int, position: int) -> Iterator[Record]:
    """Decode a batch whose checksum matches.

    Args:
        batch: The batch.
        partition: The partition that holds it.
        position: The first offset that was asked for.

    Yields:
        Its records. A record that breaks the rules is followed by
        nothing: the rest of the batch becomes one record, at the last
        offset, which reports the problem.
    """
    following = batch.base_offset
    try:
        for record in batch.records(partition):
            following = record.offset + 1
            yield record
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - reported in the record: one must not stop the others
        if following <= batch.last_offset:
            first, last = max(following, position), batch.last_offset
            yield _undecodable(
                partition, first, last, batch.max_timestamp, batch.data, _describe(error)
            )


def corrupt(
    data: memoryview, partition: int, position: int, following: memoryview | None
) -> Record:
    """Return a record in place of a batch with a wrong checksum.

    Args:
        data: The batch's bytes.
        partition: The partition that holds it.
        position: The first offset that was asked for.
        following: The batch after it; None when there is none.

    Returns:
        A record at the batch's last offset, or at `position` when its
        offsets cannot be trusted.
    """
    last = position
    if len(data) >= _HEADER.size:
        batch = RecordBatch.parse(data)
        sure = batch.base_offset + batch.records_count == batch.next_offset and (
            following is None or _first_offset(following) == batch.next_offset
        )
        if sure and batch.base_offset <= position <= batch.last_offset:
            last = batch.last_offset
    return _undecodable(partition, position, last, UNKNOWN_TIME, data, "the checksum is wrong")


def contains(data: memoryview, position: int) -> bool:
    """Return whether a batch can be decoded and has a certain record.

    Args:
        data: The batch's bytes.
        position: The record's offset.

    Returns:
        False when it is not certain.
    """
    batch = open_batch(data)
    return batch is not None and batch.base_offset <= position <= batch.last_offset


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the number at `position`, and the position after it."""
    byte = data[position]
    position += 1
    number, shift = byte & 0x7F, 7
    while byte & 0x80:
        if shift >= 7 * _MAX_VARINT_BYTES:
            raise MalformedBatch("a number has no end")
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
    # Zigzag: the sign is the lowest bit.
    return number >> 1 ^ -(number & 1), position


def _field(data: bytes, position: int) -> tuple[bytes | None, int]:
    """Return the bytes at `position`, and the position after them.

    They follow their length; a negative length means None.
    """
    length, position = _varint(data, position)
    if length < 0:
        return None, position
    end = position + length
    return data[position:end], end


def _headers(data: bytes, position: int) -> tuple[dict[str, bytes | None], int, str | None]:
    """Return the headers at `position`, where they end, and a problem.

    The problem is a header name that is not UTF-8, or None.
    """
    count, position = _varint(data, position)
    if count < 0:
        raise MalformedBatch("the number of headers is negative")
    headers: dict[str, bytes | None] = {}
    problem = None
    for _ in range(count):
        name, position = _field(data, position)
        value, position = _field(data, position)
        if name is None:
            raise MalformedBatch("a header has no name")
        try:
            text = name.decode()
        except UnicodeDecodeError:
            text = name.decode("utf-8", "backslashreplace")
            problem = "the name of a header is not UTF-8"
        headers[text] = value
    return headers, position, problem


def _undecodable(
    partition: int, first: int, last: int, time: int, data: memoryview, reason: str
) -> Record:
    """Return one record that holds the bytes of a whole batch."""
    which = f"offset {last}" if first == last else f"offsets {first} to {last}"
    problem = (
        f"{which} cannot be decoded: {reason}; the value is the whole batch as stored in the log"
    )
    return Record(partition, last, time, None, bytes(data), {}, problem)


def _first_offset(data: memoryview) -> int:
    """Return the base offset, the first field of a batch's header."""
    return int.from_bytes(data[:8], "big", signed=True)


def _describe(error: Exception) -> str:
    """Return an error as text that never quotes a message."""
    # The text of other errors may quote the message.
    return str(error) if isinstance(error, UnsupportedCodecError) else type(error).__name__
