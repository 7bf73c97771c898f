"""Whether the log and the store answer now."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass

from angarium import deadline, logs
from angarium.clock import Clock
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.ports.conversations import ConversationStore
from angarium.ports.message_log import MessageLog
from angarium.threads import NamedThread

CHECK_S = 1.0
"""Time limit for a report; the load balancer waits for 2 s (`timeout
check` in `deploy/haproxy.cfg`).
"""

_log = logs.get("angarium.services")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found.

    Attributes:
        ok: True when the checked thing answered in time.
        latency_ms: How long it took; the time limit when it did not
            answer.
    """

    ok: bool
    latency_ms: float


class Health:
    """Checks log and store at the same time; used by any thread."""

    def __init__(
        self,
        log: MessageLog,
        store: ConversationStore,
        clock: Clock,
        within: float = CHECK_S,
        repeats: logs.Repeats | None = None,
    ) -> None:
        """Name what is checked.

        Args:
            log: Must take records.
            store: Must answer.
            clock: Measures the latency.
            within: Seconds that a report may take.
            repeats: Limits the lines about an outage, together with
                others that share it; its own when None.
        """
        # A load balancer asks every second, for as long as an outage
        # lasts.
        self._repeats = repeats or logs.Repeats(clock.monotonic)
        self._checks = {
            "log": _Check("log", log.check, clock, within, self._repeats),
            "store": _Check("store", store.check, clock, within, self._repeats),
        }
        self._within = within

    def report(self) -> Mapping[str, CheckResult]:
        """Check everything within the time limit.

        A check that hangs is reported as failed, and is not started
        again before it ends.

        Returns:
            The results under `log` and `store`.
        """
        running = {name: check.start() for name, check in self._checks.items()}
        wait(running.values(), self._within)
        return {name: self._result(name, future) for name, future in running.items()}

    def _result(self, name: str, future: "Future[CheckResult]") -> CheckResult:
        """Take a check's result, or log that it is late and fail it."""
        if future.done():
            return future.result()
        _log.limited_error(
            self._repeats,
            f"{name}_unavailable",
            f"The check of the {name} takes longer than {self._within} s.",
            error_type=TimeoutError.__name__,
        )
        return CheckResult(False, self._within * 1000)


class _Check:
    """One check on its own thread; concurrent callers share a run."""

    def __init__(
        self,
        name: str,
        check: Callable[[], None],
        clock: Clock,
        within: float,
        repeats: logs.Repeats,
    ) -> None:
        """Name the check.

        Args:
            name: `log` or `store`, for lines and the thread.
            check: Raises LogUnavailable or StoreUnavailable.
            clock: Measures the latency.
            within: The check's deadline in seconds.
            repeats: Limits the lines about an outage.
        """
        self._name = name
        self._repeats = repeats
        self._check = check
        self._clock = clock
        self._within = within
        self._lock = threading.Lock()
        self._running: Future[CheckResult] | None = None

    def start(self) -> "Future[CheckResult]":
        """Start a run, or join the one that has not ended.

        Returns:
            A future that never fails.
        """
        with self._lock:
            if self._running is not None:
                return self._running
            running: Future[CheckResult] = Future()
            # The ids alone: the first caller's deadline is not that of
            # the others who share the run.
            thread = NamedThread(
                target=self._run,
                args=(running, logs.bindings()),
                name=f"check-{self._name}",
                daemon=True,
            )
            try:
                thread.start()
                self._running = running
            except RuntimeError as error:
                self._log_refusal(error)
                running.set_result(CheckResult(False, 0.0))
            return running

    def _log_refusal(self, error: RuntimeError) -> None:
        """Log that the system starts no more threads."""
        _log.limited_error(
            self._repeats,
            f"{self._name}_unavailable",
            f"The check of the {self._name} could not begin: {error}.",
            error_type=type(error).__name__,
        )

    def _run(self, running: "Future[CheckResult]", ids: Mapping[str, object]) -> None:
        """Run the check on this thread and complete the future."""
        started = self._clock.monotonic()
        with logs.bound(**ids):
            ok = self._answers()
        result = CheckResult(ok, round((self._clock.monotonic() - started) * 1000, 3))
        with self._lock:
            self._running = None
        running.set_result(result)

    def _answers(self) -> bool:
        """Return whether the check succeeds; log why not."""
        try:
            with deadline.within(self._within):
                self._check()
        except (LogUnavailable, StoreUnavailable) as error:
            _log.limited_error(
                self._repeats,
                f"{self._name}_unavailable",
                f"The {self._name} does not answer.",
                error_type=type(error).__name__,
                reason=str(error),
            )
            return False
        except Exception as error:  # noqa: BLE001 - a check that breaks is a failed check, and is logged
            _log.error(
                "check_failed", f"The check of the {self._name} failed unexpectedly.", error
            )
            return False
        return True
