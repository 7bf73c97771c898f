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
        pace: WorkerLimits | None = None,
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
            pace: Other bounds than the usual ones.
            uniform: Draws the jitter of waits between two bounds.
        """
        self._open = consumer
        self._ports = WorkerDependencies(
            partitions, recorder, dead_letters, online, clock, pace or WorkerLimits(), uniform
        )
        # It outlives the sessions, so that a failure does not tell the
        # same again.
        self._clock_watch = ClockWatch(clock)
        self._session: PollLoop | None = None
        self._waits: Iterator[float] = iter(())
        self._sound_at = 0.0

    def run(self, stopping: threading.Event) -> None:
        """Work until told to stop; then finish what is in flight,
        commit and leave the group.

        Args:
            stopping: Set by whoever wants the worker to stop; seen
                within the longest wait for the log.
        """
        while not stopping.is_set():
            wait = self.step()
            if wait > 0:
                stopping.wait(wait)
        self.stop()

    def step(self) -> float:
        """Do one turn, and whatever is raised in it, survive.

        Returns:
            Seconds to wait before the next one: 0, but after a failure.
        """
        try:
            if self._session is None:
                self._session = PollLoop(self._open(), self._ports, self._clock_watch)
            self._session.run_once()
        except Exception as error:  # noqa: BLE001 - told below, and the work goes on from the committed positions
            return self._fail(error)
        return 0.0

    def stop(self) -> None:
        """Finish what is in flight, within the bound for it, commit and
        leave the group.
        """
        session, self._session = self._session, None
        if session is None:
            return
        try:
            session.drain()
        except Exception as error:  # noqa: BLE001 - told; what was not committed is applied after the next start
            _log.error(
                "worker_failed", "The worker failed while stopping; nothing is lost.", error
            )
        _close(session)

    def _fail(self, error: Exception) -> float:
        now = self._ports.clock.monotonic()
        if now >= self._sound_at:
            self._waits = delays(
                most=self._ports.limits.max_retry_delay_s, uniform=self._ports.uniform
            )
        wait = next(self._waits)
        self._sound_at = now + self._ports.limits.failure_reset_s
        _log.error(
            "worker_failed",
            "The worker failed in a way that was not foreseen; it starts again from the committed "
            "positions.",
            error,
            delay_ms=round(wait * 1000),
        )
        session, self._session = self._session, None
        if session is not None:
            _close(session)
        return wait


def _close(session: PollLoop) -> None:
    try:
        session.close()
    except Exception as error:  # noqa: BLE001 - told; the group finds out by the silence
        _log.error(
            "worker_failed", "The worker could not leave the group; its silence will tell.", error
        )
