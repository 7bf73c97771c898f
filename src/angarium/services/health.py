"""Whether what the service needs answers now."""

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

CHECK_SECONDS = 1.0

_log = logs.get("angarium.health")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found.

    Attributes:
        ok: True when the checked thing answered in time.
        latency_ms: How long it took; the bound when it did not answer.
    """

    ok: bool
    latency_ms: float


class Health:
    """Checks the log and the store at once; used by any thread."""

    def __init__(
        self,
        log: MessageLog,
        store: ConversationStore,
        clock: Clock,
        within: float = CHECK_SECONDS,
        repeats: logs.Repeats | None = None,
    ) -> None:
        """Name what is checked.

        Args:
            log: Must take records.
            store: Must answer.
            clock: Measures the latency.
            within: Seconds that a report may take.
            repeats: Knows when an outage was last told; its own when
                None.
        """
        # Whoever balances asks every other second, for as long as an
        # outage lasts.
        self._repeats = repeats or logs.Repeats(clock.monotonic)
        self._checks = {
            "log": _Check("log", log.check, clock, within, self._repeats),
            "store": _Check("store", store.check, clock, within, self._repeats),
        }
        self._within = within

    def report(self) -> Mapping[str, CheckResult]:
        """Check everything; a check that hangs is reported as failed,
        and not begun again before it ends.

        Returns:
            The results under `log` and `store`, within the bound.
        """
        running = {name: check.start() for name, check in self._checks.items()}
        wait(running.values(), self._within)
        return {name: self._result(name, future) for name, future in running.items()}

    def _result(self, name: str, future: "Future[CheckResult]") -> CheckResult:
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
    """One check on a thread of its own; whoever asks while it runs gets
    the result of the same run.
    """

    def __init__(
        self,
        name: str,
        check: Callable[[], None],
        clock: Clock,
        within: float,
        repeats: logs.Repeats,
    ) -> None:
        self._name = name
        self._repeats = repeats
        self._check = check
        self._clock = clock
        self._within = within
        self._lock = threading.Lock()
        self._running: Future[CheckResult] | None = None

    def start(self) -> "Future[CheckResult]":
        with self._lock:
            if self._running is not None:
                return self._running
            running: Future[CheckResult] = Future()
            # The ids alone: the deadline of whoever asks first is not
            # that of the others who share the run.
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
        """Tell that the system starts no more threads."""
        _log.limited_error(
            self._repeats,
            f"{self._name}_unavailable",
            f"The check of the {self._name} could not begin: {error}.",
            error_type=type(error).__name__,
        )

    def _run(self, running: "Future[CheckResult]", ids: Mapping[str, object]) -> None:
        started = self._clock.monotonic()
        with logs.bound(**ids):
            ok = self._answers()
        result = CheckResult(ok, round((self._clock.monotonic() - started) * 1000, 3))
        with self._lock:
            self._running = None
        running.set_result(result)

    def _answers(self) -> bool:
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
            _log.error("check_failed", f"The check of the {self._name} broke.", error)
            return False
        return True
