"""Uses a join that ended between two polls, and no late answer.

Fault: a join that is under way when a poll's time is up goes on without
it. If it ends before the next poll, that poll drops the outcome and
joins again; when the member leads the group, this starts another
rebalance for everybody, which may end between two polls again, and so
on without an end (docs/adr/0013). And where a leader joins again
because the topic's metadata has changed, it needs no other join any
more as soon as it has assigned the partitions: a poll whose time is up
then loses the outcome, the member sends no heartbeats and stays without
partitions for good. And the future of a question for committed offsets
that timed out is kept: the next question for the same partitions,
however much later, gets its answer. A worker that is assigned a
partition for the second time would start where the group was the first
time, and commit backwards.
True in: kafka-python 3.0.12.
Noticed by: `tests/unit/engines/kafka/patches/test_coordinator.py`,
where the library has to call what is overridden here, and its own
coordinator has to join again.
The public way: polls of a second on a thread of their own make the gap
between two polls rare, and not harmless; and since nothing wakes a
poll, each commit and pause would wait for its end. A second question
for the same partitions would get a fresh answer, but nothing tells
which of two answers is the late one.
Measured: three groups on a real broker, whose three members joined one
after the other before they had the topic's metadata. Without this, a
join took 0.2 to 2.4 s with polls of 0.2 s, and one group never settled;
with polls that do not wait, every 20 ms, as a worker's while it has
work, 0.4 to 13.7 s, and one join took more than 20 s; with polls of 1
s, 1.0 to 2.1 s. With this, 0.2 to 2.4 s and 0.2 to 2.1 s.
Mended upstream: delete this file, its test, and the call of `take_over`
in `group_member.py`.
"""

from collections.abc import Mapping, Sequence

from kafka import KafkaConsumer
from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.errors import KafkaTimeoutError
from kafka.future import Future
from kafka.structs import OffsetAndMetadata, TopicPartition


class JoinKeepingCoordinator(ConsumerCoordinator):  # type: ignore[misc]  # the library has no types
    """A coordinator that uses every finished join, no late answer."""

    _join_task: Future | None

    @classmethod
    def take_over(cls, consumer: KafkaConsumer) -> None:
        """Change the class of the coordinator of a consumer.

        The library offers no way to choose another.

        Args:
            consumer: Has not joined its group yet.
        """
        consumer._coordinator.__class__ = cls

    def need_rejoin(self) -> bool:
        """Return whether a poll has to deal with a join.

        Returns:
            True also while the outcome of one is awaited.
        """
        return self._join_task is not None or bool(super().need_rejoin())

    async def join_group_async(self, timeout_ms: float | None = None) -> bool:
        """Join the group, or use the join in progress or just finished.

        Args:
            timeout_ms: Maximum wait in milliseconds.

        Returns:
            True once joined; False after the timeout.
        """
        ended = self._join_task
        if ended is not None and ended.is_done:
            self._join_task = self._again(ended)
        return bool(await super().join_group_async(timeout_ms=timeout_ms))

    async def fetch_committed_offsets_async(
        self, partitions: Sequence[TopicPartition], timeout_ms: float | None = None
    ) -> Mapping[TopicPartition, OffsetAndMetadata]:
        """Ask the broker for committed offsets.

        Args:
            partitions: Whose.
            timeout_ms: Maximum wait in milliseconds.

        Returns:
            The offsets, by partition.
        """
        try:
            found: Mapping[
                TopicPartition, OffsetAndMetadata
            ] = await super().fetch_committed_offsets_async(partitions, timeout_ms=timeout_ms)
            return found
        finally:
            self._offset_fetch_futures.pop(frozenset(partitions), None)

    def _again(self, ended: Future) -> Future | None:
        """Return a new future with the outcome of a finished join.

        Args:
            ended: The future of the finished join.

        Returns:
            None for a timeout, which the library would take for one of
            its own wait.
        """
        if isinstance(ended.exception, KafkaTimeoutError):
            return None
        again = Future()
        self._net.call_soon(lambda: ended.chain(again))
        return again
