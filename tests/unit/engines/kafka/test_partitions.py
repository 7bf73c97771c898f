from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import DefaultPartitioner

from angarium.domain.partitioning import partition_for


class TwelvePartitions:
    def topics(self) -> set[str]:
        return {"messages"}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(12))

    def available_partitions_for_topic(self, topic: str) -> set[int]:
        return set(range(12))


@given(st.binary(max_size=80))
def test_a_key_goes_where_other_clients_put_it_by_default(key: bytes) -> None:
    theirs = DefaultPartitioner().partition("messages", key, key, None, None, TwelvePartitions())
    assert partition_for(key, 12) == theirs
