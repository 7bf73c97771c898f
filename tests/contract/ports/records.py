"""Records to append."""

from collections.abc import Iterator, Sequence
from uuid import uuid4

from angarium.domain.partitioning import partition_for
from angarium.ports.message_log import Appended, MessageLog, NewRecord

ANSWER_S = 30.0


def new_key() -> bytes:
    """Give a key that no other test uses."""
    return str(uuid4()).encode()


def keys_by_partition(partitions: int) -> dict[int, bytes]:
    """Give a key for each partition."""
    keys: dict[int, bytes] = {}
    for key in _keys():
        keys.setdefault(partition_for(key, partitions), key)
        if len(keys) == partitions:
            break
    return keys


def append(log: MessageLog, value: bytes | str, key: bytes) -> Appended:
    """Append a record and wait until it is durable."""
    data = value.encode() if isinstance(value, str) else value
    return log.append(NewRecord(key, data, {"trace_id": "0" * 32, "schema": "1"})).result(ANSWER_S)


def append_all(log: MessageLog, key: bytes, values: Sequence[bytes]) -> list[Appended]:
    """Append records at once, and wait until all are durable."""
    headers = {"trace_id": "0" * 32, "schema": "1"}
    sent = [log.append(NewRecord(key, value, headers)) for value in values]
    return [each.result(ANSWER_S) for each in sent]


def _keys() -> Iterator[bytes]:
    while True:
        yield new_key()
