"""The worker: read the log and apply its events until stopped."""

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
from angarium.router.presence_lookup import PresenceLookup
from angarium.router.retry_queue import Uniform
from angarium.router.settings import WorkerDependencies, WorkerLimits

_log = logs.get("angarium.router")


class Worker:
    """Runs poll loops: when one fails, the next takes its place.

    The next one is a new consumer, which starts from the committed
    positions.
    """

    def __init__(
        self,
        consumer: Callable[[], LogConsumer],
        partitions: int,
        message_writer: MessageWriter,
        dead_letters: DeadLetterLog,
        online: PresenceLookup,
        clock: Clock,
        limits: WorkerLimits | None = None,
        uniform: Uniform = random.uniform,
    ) -> None:
        """Create a worker; nothing is read before `run` or `step`.

        Args:
            consumer: Opens a consumer of the group. It is called again
                after an unexpected failure: the failed consumer has
                returned records that would not be read again, and only
                one that joins anew starts from the committed positions.
            partitions: The partition count of the log.
            message_writer: Stores messages and receipts.
            dead_letters: Takes the records that cannot be applied.
            online: Knows who is online.
            clock: Of all delays and timeouts.
            limits: The default limits when None.
            uniform: Draws the jitter of delays between two limits.
        """
        self._open_consumer = consumer
        self._dependencies = WorkerDependencies(
            partitions,
            message_writer,
            dead_letters,
            online,
            clock,
            limits or WorkerLimits(),
            uniform,
        )
        # It outlives the poll loops, so that a failure does not repeat
        # its warnings.
        self._clock_watch = ClockWatch(clock)
        self._poll_loop: PollLoop | None = None
        self._delays: Iterator[float] = iter(())
        self._delays_reset_at = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Work until stopped; then commit and leave the group.

        Args:
            stopping: Set it to stop the worker; seen within
                `WorkerLimits.poll_timeout_s`.
        """
        while not stopping.is_set():
            delay_s = self.step()
            if delay_s > 0:
                stopping.wait(delay_s)
        self.stop()

    def step(self) -> float:
        """Run one turn; log any exception and start a new loop after.

        Returns:
            Seconds to wait before the next turn; 0 except after a
            failure.
        """
        try:
            if self._poll_loop is None:
                self._poll_loop = PollLoop(
                    self._open_consumer(), self._dependencies, self._clock_watch
                )
            self._poll_loop.run_once()
        except Exception as error:  # noqa: BLE001 - logged below; the work goes on from the committed positions
            return self._fail(error)
        return 0.0

    def stop(self) -> None:
        """Finish the calls in flight, commit and leave the group.

        It waits at most `WorkerLimits.drain_timeout_s` for the calls.
        """
        poll_loop, self._poll_loop = self._poll_loop, None
        if poll_loop is None:
            return
        try:
            poll_loop.drain()
        except Exception as error:  # noqa: BLE001 - logged; what was not committed is applied after the next start
            _log.error(
                "worker_failed", "The worker failed while stopping; nothing is lost.", error
            )
        _close(poll_loop)

    def _fail(self, error: Exception) -> float:
        """Return the delay in seconds after a failure; log it."""
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
            "The worker failed unexpectedly; it starts again from the committed positions.",
            error,
            delay_ms=round(delay_s * 1000),
        )
        poll_loop, self._poll_loop = self._poll_loop, None
        if poll_loop is not None:
            _close(poll_loop)
        return delay_s


def _close(poll_loop: PollLoop) -> None:
    """Leave the group; a failure to do so is logged."""
    try:
        poll_loop.close()
    except Exception as error:  # noqa: BLE001 - logged; the group notices when the session times out
        _log.error(
            "worker_failed",
            "The worker could not leave the group; its membership will time out.",
            error,
        )
