"""Batches of records as they lie in the log, read as far as they can be."""

import struct
from collections.abc import Iterator

from kafka.errors import UnsupportedCodecError
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import decode_varint

from angarium.ports.message_log import Record

UNKNOWN_TIME = -1
"""When a batch was appended that does not fit its checksum: believing it might move time on for ever."""

_LENGTH = struct.Struct(">8xi")
_HEADER_BYTES = DefaultRecordBatch.HEADER_STRUCT.size
_FORMAT = 2


def cut(response: memoryview) -> Iterator[memoryview]:
    """Cut an answer of the broker into its batches, whatever is in them.

    Args:
        response: Batches one behind the other.

    Yields:
        The bytes of each; the last one is left out when the broker has cut it off, but not when it is the
        only one: the broker sends one whole batch at least.
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


def opened(data: memoryview) -> DefaultRecordBatch | None:
    """Open a batch.

    Args:
        data: Its bytes.

    Returns:
        The batch; None when the bytes do not fit their checksum.
    """
    if len(data) < _HEADER_BYTES:
        return None
    batch = DefaultRecordBatch(data)
    return batch if batch.magic == _FORMAT and batch.validate_crc() else None


def decoded(batch: DefaultRecordBatch, data: memoryview, partition: int, position: int) -> Iterator[Record]:
    """Decode a batch that fits its checksum.

    Args:
        batch: The batch.
        data: Its bytes.
        partition: Where it lies.
        position: The first offset that is asked for.

    Yields:
        Its records. One that breaks the rules of a record comes with what can be read of it; what cannot be
        told apart comes as one, at the last offset.
    """
    following = batch.base_offset
    while True:
        try:
            for found in batch:
                following = found.offset + 1
                yield Record(
                    partition, found.offset, found.timestamp, found.key, found.value, dict(found.headers)
                )
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - told in the record: one must not stop the others
            record = _with_any_names(batch, partition)
            if record is not None and following <= record.offset <= batch.last_offset:
                following = record.offset + 1
                yield record
                continue
            if following <= batch.last_offset:
                first, last = max(following, position), batch.last_offset
                yield _whole(partition, first, last, batch.max_timestamp, data, _said(error))
        return


def corrupt(data: memoryview, partition: int, position: int, following: memoryview | None) -> Record:
    """Stand in for a batch that does not fit its checksum.

    Args:
        data: Its bytes.
        partition: Where it lies.
        position: The first offset that is asked for.
        following: The batch behind it, None when there is none.

    Returns:
        A record at the batch's last offset, or at `position` when nothing sure is known of its offsets.
    """
    last = position
    if len(data) >= _HEADER_BYTES:
        batch = DefaultRecordBatch(data)
        sure = batch.records_count == batch.last_offset_delta + 1 and (
            following is None or _first_offset(following) == batch.next_offset
        )
        if sure and batch.base_offset <= position <= batch.last_offset:
            last = batch.last_offset
    return _whole(partition, position, last, UNKNOWN_TIME, data, "they do not fit their checksum")


def holds(data: memoryview, position: int) -> bool:
    """Tell whether a batch can be read and has a certain record.

    Args:
        data: Its bytes.
        position: The record's offset.

    Returns:
        False when it is not sure.
    """
    batch = opened(data)
    return batch is not None and bool(batch.base_offset <= position <= batch.last_offset)


class _Reader:
    """Goes through the bytes of one record."""

    def __init__(self, data: bytearray, position: int) -> None:
        self._data = data
        self.position = position

    def number(self) -> int:
        value, self.position = decode_varint(self._data, self.position)
        return int(value)

    def field(self) -> bytes | None:
        length = self.number()
        if length < 0:
            return None
        begin, self.position = self.position, self.position + length
        return bytes(self._data[begin : self.position])


def _with_any_names(batch: DefaultRecordBatch, partition: int) -> Record | None:
    # The library gives up a record when a header's name is no UTF-8, and leaves the batch in front of it.
    if not batch._decompressed:  # noqa: SLF001
        return None
    data = batch._buffer  # noqa: SLF001
    reader = _Reader(data, batch._pos)  # noqa: SLF001
    try:
        end = reader.number() + reader.position
        reader.number()
        time = batch.first_timestamp + reader.number()
        offset = batch.base_offset + reader.number()
        key, value = reader.field(), reader.field()
        headers = {_name(reader): reader.field() or b"" for _ in range(reader.number())}
    except (IndexError, ValueError):
        return None
    if reader.position != end or end > len(data):
        return None
    batch._pos = end  # noqa: SLF001
    batch._next_record_index += 1  # noqa: SLF001
    if batch.timestamp_type == batch.LOG_APPEND_TIME:
        time = batch.max_timestamp
    return Record(partition, offset, time, key, value, headers, "the name of a header is no UTF-8")


def _name(reader: _Reader) -> str:
    return (reader.field() or b"").decode("utf-8", "backslashreplace")


def _whole(partition: int, first: int, last: int, time: int, data: memoryview, said: str) -> Record:
    which = f"offset {last}" if first == last else f"offsets {first} to {last}"
    problem = f"{which} cannot be decoded: {said}; the value is the whole batch as it lies in the log"
    return Record(partition, last, time, None, bytes(data), {}, problem)


def _first_offset(data: memoryview) -> int:
    return int.from_bytes(data[:8], "big", signed=True)


def _said(error: Exception) -> str:
    # Other errors' texts may quote the content.
    return str(error) if isinstance(error, UnsupportedCodecError) else type(error).__name__
