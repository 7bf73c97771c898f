from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.domain.partitioning import murmur2, partition_for


@pytest.mark.parametrize(
    ("text", "signed"),
    [
        # Kafka's own vectors (org.apache.kafka.common.utils.UtilsTest,
        # testMurmur2).
        ("21", -973932308),
        ("foobar", -790332482),
        ("a-little-bit-long-string", -985981536),
        ("a-little-bit-longer-string", -1486304829),
        ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        ("abc", 479470107),
    ],
)
def test_keys_are_hashed_as_kafka_hashes_them(text: str, signed: int) -> None:
    assert murmur2(text.encode()) == signed & 0xFFFF_FFFF


def test_the_sign_is_cut_off_before_the_partition_is_chosen() -> None:
    assert partition_for(b"21", 1000) == (-973932308 & 0x7FFF_FFFF) % 1000
    assert partition_for(b"abc", 1000) == 479470107 % 1000


@given(st.binary(max_size=64), st.integers(1, 100))
def test_every_key_has_one_partition_for_ever(key: bytes, partitions: int) -> None:
    chosen = partition_for(key, partitions)
    assert 0 <= chosen < partitions
    assert chosen == partition_for(bytes(bytearray(key)), partitions)


def test_conversations_spread_over_all_partitions() -> None:
    chosen = [partition_for(str(UUID(int=number)).encode(), 12) for number in range(2_000)]
    assert {partition for partition in range(12) if chosen.count(partition) > 100} == set(
        range(12)
    )
