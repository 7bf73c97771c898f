"""Which partition a key belongs to (docs/adr/0014)."""

from functools import lru_cache

DEFAULT_PARTITIONS = 12
"""The number of partitions where no setting says another one."""

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_MASK = 0xFFFF_FFFF


def murmur2(data: bytes) -> int:
    """Hash a key as Kafka's own default partitioner does.

    Args:
        data: The key's bytes.

    Returns:
        The 32-bit hash, unsigned (Kafka, `Utils.murmur2`).
    """
    length = len(data)
    value = (_SEED ^ length) & _MASK
    whole = length & ~3
    for start in range(0, whole, 4):
        chunk = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        chunk = (chunk ^ chunk >> 24) * _MULTIPLIER & _MASK
        value = value * _MULTIPLIER & _MASK ^ chunk
    if length != whole:
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    value = (value ^ value >> 13) * _MULTIPLIER & _MASK
    return value ^ value >> 15


@lru_cache(maxsize=65_536)
def partition_for(key: bytes, partitions: int) -> int:
    """Choose the partition of a key.

    It never changes, because the partition count never does.

    Args:
        key: The record's key.
        partitions: The fixed partition count, 1 or more.

    Returns:
        0 to `partitions` - 1, as Kafka's clients choose by default for
        keyed records.
    """
    return (murmur2(key) & 0x7FFF_FFFF) % partitions
