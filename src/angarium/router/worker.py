"""The worker: reads the log and applies what it says, for as long as it
is left to.
"""

import random
import threading
from collections.abc import Callable, Iterator

from angarium import logs
from angarium.backoff import delays
from angarium.clock import Clock
from angarium.ports.message_log import DeadLetterLog, LogConsumer
from angarium.ports.messages import MessageWriter
from angarium.router.clock_watch import ClockWatch
from angarium.router.poll_loop import PollLoop
from angarium.router.presence_lookup import Online
from angarium.router.retry_queue import Uniform
from angarium.router.settings import WorkerDependencies, WorkerLimits

_log = logs.get("angarium.router")


class Worker:
    """Runs sessions one after the other: when one fails, the next
    begins at the committed positions.
    """

    def __init__(
        self,
        consumer: Callable[[], LogConsumer],
        partitions: int,
        recorder: MessageWriter,
        dead_letters: DeadLetterLog,
        online: Online,
        clock: Clock,
        limits: WorkerLimits | None = None,
        uniform: Uniform = random.uniform,
    ) -> None:
        """Put a worker together; nothing is read before it runs.

        Args:
            consumer: Opens a consumer of the group. It is called again
                after a failure that was not foreseen: a consumer has
                given out records that nobody would see again, and only
                one that joins anew starts from the committed positions.
            partitions: How many partitions the log has.
            recorder: Where messages are stored.
            dead_letters: Where records go that cannot be applied.
            online: Who is online.
            clock: Tells the time.
            limits: Other bounds than the usual ones.
            uniform: Draws the jitter of waits between two bounds.
        """
        self._open_consumer = consumer
        self._dependencies = WorkerDependencies(
            partitions, recorder, dead_letters, online, clock, limits or WorkerLimits(), uniform
        )
        # It outlives the sessions, so that a failure does not tell the
        # same again.
        self._clock_watch = ClockWatch(clock)
        self._poll_loop: PollLoop | None = None
        self._delays: Iterator[float] = iter(())
        self._delays_reset_at = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Work until told to stop; then finish what is in flight,
        commit and leave the group.

        Args:
            stopping: Set by whoever wants the worker to stop; seen
                within the longest wait for the log.
        """
        while not stopping.is_set():
            delay_s = self.step()
            if delay_s > 0:
                stopping.wait(delay_s)
        self.stop()

    def step(self) -> float:
        """Do one turn, and whatever is raised in it, survive.

        Returns:
            Seconds to wait before the next one: 0, but after a failure.
        """
        try:
            if self._poll_loop is None:
                self._poll_loop = PollLoop(
                    self._open_consumer(), self._dependencies, self._clock_watch
                )
            self._poll_loop.run_once()
        except Exception as error:  # noqa: BLE001 - told below, and the work goes on from the committed positions
            return self._fail(error)
        return 0.0

    def stop(self) -> None:
        """Finish what is in flight, within the bound for it, commit and
        leave the group.
        """
        poll_loop, self._poll_loop = self._poll_loop, None
        if poll_loop is None:
            return
        try:
            poll_loop.drain()
        except Exception as error:  # noqa: BLE001 - told; what was not committed is applied after the next start
            _log.error(
                "worker_failed", "The worker failed while stopping; nothing is lost.", error
            )
        _close(poll_loop)

    def _fail(self, error: Exception) -> float:
        now = self._dependencies.clock.monotonic()
        if now >= self._delays_reset_at:
            self._delays = delays(
                most=self._dependencies.limits.max_retry_delay_s,
                uniform=self._dependencies.uniform,
            )
        delay_s = next(self._delays)
        self._delays_reset_at = now + self._dependencies.limits.failure_reset_s
        _log.error(
            "worker_failed",
            "The worker failed in a way that was not foreseen; it starts again from the committed "
            "positions.",
            error,
            delay_ms=round(delay_s * 1000),
        )
        poll_loop, self._poll_loop = self._poll_loop, None
        if poll_loop is not None:
            _close(poll_loop)
        return delay_s


def _close(poll_loop: PollLoop) -> None:
    try:
        poll_loop.close()
    except Exception as error:  # noqa: BLE001 - told; the group finds out by the silence
        _log.error(
            "worker_failed", "The worker could not leave the group; its silence will tell.", error
        )
