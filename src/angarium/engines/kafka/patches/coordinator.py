"""kafka-python's group coordinator, mended where it can throw away a finished rebalance."""

from kafka.coordinator.consumer import ConsumerCoordinator
from kafka.future import Future


class JoinKeepingCoordinator(ConsumerCoordinator):  # type: ignore[misc]  # the library has no types
    """Takes up a join that ended between two polls.

    kafka-python 3.0 leaves a join under way when a poll's time is up. If it ends before the next poll, that
    poll drops the outcome and joins anew; when the member leads the group, this starts another rebalance
    for everybody, which may end between two polls again, and so on without an end.
    """

    _join_task: Future | None

    async def join_group_async(self, timeout_ms: float | None = None) -> bool:
        """Join the group, or take up the join that is under way or has just ended.

        Args:
            timeout_ms: How long it may take.

        Returns:
            True once joined, False when the time is up.
        """
        ended = self._join_task
        if ended is not None and ended.is_done:
            # The same outcome once more, which comes when it is waited for.
            again = Future()
            self._join_task = again
            self._net.call_soon(lambda: ended.chain(again))
        return bool(await super().join_group_async(timeout_ms=timeout_ms))
