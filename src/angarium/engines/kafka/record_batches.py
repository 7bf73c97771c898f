"""Batches of records as they lie in the log, read as far as they can
be.

The form is the record batch of Kafka's public protocol, version 2 of
the message format (kafka.apache.org/documentation/#recordbatch; KIP-98,
headers KIP-82), the only one that brokers since 4.0 have. The library's
own reader stops at the first record that breaks a rule, and gives
neither the rest of the batch nor its bytes.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from kafka import codec
from kafka.errors import UnsupportedCodecError

from angarium.engines.kafka.crc32c import crc32c
from angarium.ports.message_log import Record

UNKNOWN_TIME = -1
"""When a batch was appended that does not fit its checksum: believing
it might move time on for ever.
"""

MAX_RECORD_OVERHEAD = 21
"""Bytes of a record's length, attributes, time and offset at most."""

_HEADER = struct.Struct(">qiibIhiqqqhii")
_LENGTH = struct.Struct(">8xi")
_CHECKED_FROM = 21
"""The checksum covers what follows it: the attributes and all behind
them.
"""

_FORMAT = 2
_CODEC, _LOG_APPEND_TIME, _TRANSACTIONAL, _CONTROL = 0x07, 0x08, 0x10, 0x20
_MAX_VARINT_BYTES = 10
"""What a number of 64 bits takes."""

Headers = list[tuple[str, bytes]]


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
    """One batch, whose records are not read yet; the attributes are the
    fields of its header.

    Attributes:
        data: All its bytes.
        base_offset: The offset of its first record, as it was appended.
        leader_epoch: Counts the leaders of the partition.
        attributes: Flags.
        last_offset: The offset of its last record, which may be gone
            since.
        first_timestamp: What the records' times are counted from.
        max_timestamp: The largest of them; the append's where the topic
            says so.
        producer_id: Who made it; -1 for nobody in particular.
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
        """Read a batch's header, and believe it.

        Args:
            data: The batch, which has a whole header.

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
        """The offset behind its last record."""
        return self.last_offset + 1

    @property
    def has_producer_id(self) -> bool:
        """Whether an idempotent or transactional producer made it."""
        return self.producer_id >= 0

    @property
    def is_transactional(self) -> bool:
        """Whether it is a part of a transaction."""
        return bool(self.attributes & _TRANSACTIONAL)

    @property
    def is_control(self) -> bool:
        """Whether brokers wrote it for themselves."""
        return bool(self.attributes & _CONTROL)

    def records(self, partition: int) -> Iterator[Record]:
        """Read the records.

        Args:
            partition: Where the batch lies.

        Yields:
            The records; one with a header whose name is no UTF-8 says
            so.

        Raises:
            UnsupportedCodecError: They are compressed in a way that
                this process cannot undo.
            MalformedBatch: The next one breaks the rules, or there are
                bytes behind the last one.
        """
        data = self._records_bytes()
        position, after = 0, self.base_offset
        for _ in range(self.records_count):
            record, position = self._record(data, position, partition)
            if not after <= record.offset <= self.last_offset:
                raise MalformedBatch(f"offset {record.offset} is none of the batch's")
            after = record.offset + 1
            yield record
        if position != len(data):
            raise MalformedBatch(f"{len(data) - position} bytes behind the last record")

    def _records_bytes(self) -> bytes:
        """Return what follows the header, without compression."""
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
        """Return the record that begins at `start`, and where the next
        one begins.
        """
        try:
            length, position = _varint(data, start)
            end = position + length
            time_delta, position = _varint(
                data, position + 1
            )  # behind attributes, which have no use yet
            offset_delta, position = _varint(data, position)
            key, position = _field(data, position)
            value, position = _field(data, position)
            headers, position, problem = _headers(data, position)
        except IndexError as error:
            raise MalformedBatch("a record goes beyond its batch") from error
        if position != end or end > len(data):
            raise MalformedBatch("a record is not as long as it says")
        is_appended = self.attributes & _LOG_APPEND_TIME
        time = self.max_timestamp if is_appended else self.first_timestamp + time_delta
        return Record(
            partition, self.base_offset + offset_delta, time, key, value, headers, problem
        ), end


def split(response: memoryview) -> Iterator[memoryview]:
    """Split an answer of the broker into its batches, whatever is in
    them.

    Args:
        response: Batches one behind the other.

    Yields:
        The bytes of each; the last one is left out when the broker has
        cut it off, but not when it is the only one: the broker sends
        one whole batch at least.
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
    """Open a batch.

    Args:
        data: Its bytes.

    Returns:
        The batch; None when the bytes do not fit their checksum.
    """
    if len(data) < _HEADER.size:
        return None
    _, _, _, version, checksum, *_ = _HEADER.unpack_from(data)
    if version != _FORMAT or crc32c(data[_CHECKED_FROM:]) != checksum:
        return None
    return RecordBatch.parse(data)


def decode(batch: RecordBatch, partition: int, position: int) -> Iterator[Record]:
    """Decode a batch that fits its checksum.

    Args:
        batch: The batch.
        partition: Where it lies.
        position: The first offset that is asked for.

    Yields:
        Its records. One that breaks the rules of a record comes with
        what can be read of it; what cannot be told apart comes as one,
        at the last offset.
    """
    following = batch.base_offset
    try:
        for record in batch.records(partition):
            following = record.offset + 1
            yield record
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - told in the record: one must not stop the others
        if following <= batch.last_offset:
            first, last = max(following, position), batch.last_offset
            yield _undecodable(
                partition, first, last, batch.max_timestamp, batch.data, _describe(error)
            )


def corrupt(
    data: memoryview, partition: int, position: int, following: memoryview | None
) -> Record:
    """Stand in for a batch that does not fit its checksum.

    Args:
        data: Its bytes.
        partition: Where it lies.
        position: The first offset that is asked for.
        following: The batch behind it, None when there is none.

    Returns:
        A record at the batch's last offset, or at `position` when
        nothing sure is known of its offsets.
    """
    last = position
    if len(data) >= _HEADER.size:
        batch = RecordBatch.parse(data)
        sure = batch.base_offset + batch.records_count == batch.next_offset and (
            following is None or _first_offset(following) == batch.next_offset
        )
        if sure and batch.base_offset <= position <= batch.last_offset:
            last = batch.last_offset
    return _undecodable(
        partition, position, last, UNKNOWN_TIME, data, "they do not fit their checksum"
    )


def contains(data: memoryview, position: int) -> bool:
    """Tell whether a batch can be read and has a certain record.

    Args:
        data: Its bytes.
        position: The record's offset.

    Returns:
        False when it is not sure.
    """
    batch = open_batch(data)
    return batch is not None and batch.base_offset <= position <= batch.last_offset


def max_batch_bytes(key: bytes | None, value: bytes | None, headers: Headers) -> int:
    """Compute what a record needs: brokers compare whole batches.

    Args:
        key: Its key.
        value: Its value.
        headers: Its headers.

    Returns:
        The size of a batch with this record alone, at most.
    """
    fields = [key, value]
    for name, content in headers:
        fields += name.encode(), content
    size = _HEADER.size + MAX_RECORD_OVERHEAD + _varint_bytes(len(headers))
    for field in fields:
        size += 1 if field is None else _varint_bytes(len(field)) + len(field)
    return size


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Return the number at `position`, and where what follows it
    begins.
    """
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


def _varint_bytes(number: int) -> int:
    """Return how many bytes a number of 0 or more takes."""
    return max(1, -(-(number << 1).bit_length() // 7))


def _field(data: bytes, position: int) -> tuple[bytes | None, int]:
    """Return the bytes at `position` that come behind their length,
    None for none, and where they end.
    """
    length, position = _varint(data, position)
    if length < 0:
        return None, position
    end = position + length
    return data[position:end], end


def _headers(data: bytes, position: int) -> tuple[dict[str, bytes | None], int, str | None]:
    """Return the headers at `position`, where they end, and what is
    wrong with their names.
    """
    count, position = _varint(data, position)
    if count < 0:
        raise MalformedBatch("fewer than no headers")
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
            problem = "the name of a header is no UTF-8"
        headers[text] = value
    return headers, position, problem


def _undecodable(
    partition: int, first: int, last: int, time: int, data: memoryview, reason: str
) -> Record:
    which = f"offset {last}" if first == last else f"offsets {first} to {last}"
    problem = (
        f"{which} cannot be decoded: {reason}; the value is the whole batch as it lies in the log"
    )
    return Record(partition, last, time, None, bytes(data), {}, problem)


def _first_offset(data: memoryview) -> int:
    return int.from_bytes(data[:8], "big", signed=True)


def _describe(error: Exception) -> str:
    # Other errors' texts may quote the content.
    return str(error) if isinstance(error, UnsupportedCodecError) else type(error).__name__
