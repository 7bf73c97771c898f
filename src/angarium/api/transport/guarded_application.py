"""Calls to the application; a fault in it becomes 500, not a crash.

The event loop serves all connections. An exception that escaped from
one request would end it for everybody.
"""

import math
from collections.abc import Callable
from typing import TypeVar

from angarium import logs
from angarium.api.interface import (
    UNMATCHED,
    Admission,
    Application,
    Head,
    Outcome,
    Refusal,
    Response,
)
from angarium.domain.errors import Code

Made = TypeVar("Made")

_log = logs.get("angarium.api.transport")


class GuardedApplication:
    """The application, as the server calls it: nothing here raises."""

    __slots__ = ("_application",)

    def __init__(self, application: Application) -> None:
        """Guard an application."""
        self._application = application

    def admit(self, head: Head) -> Admission | Refusal:
        """Ask whether a request may send its body.

        Args:
            head: The request's line and header fields.

        Returns:
            The application's decision; a refusal with 500 if it fails.
        """
        try:
            return self._application.admit(head)
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the server
            return Refusal(self.respond_to_fault(head.trace_id, error), UNMATCHED)

    def run(self, admission: Admission, body: bytes, may_block: bool) -> Outcome:
        """Run a request; its log lines carry its trace id.

        Args:
            admission: The application's decision about its head.
            body: The whole body.
            may_block: False on the event loop's thread.

        Returns:
            The application's outcome; 500 if it fails.
        """
        trace_id = admission.head.trace_id
        try:
            with logs.bound(trace_id=trace_id):
                return self._application.run(admission, body, may_block)
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the server
            return self.respond_to_fault(trace_id, error)

    def render(self, trace_id: str, make: Callable[[], Made]) -> Made | Response:
        """Make a response that was deferred, or what leads to one.

        Args:
            trace_id: The request's, for the log lines of `make`.
            make: Given by the application; must not block.

        Returns:
            What `make` returns; 500 if it fails.
        """
        try:
            with logs.bound(trace_id=trace_id):
                return make()
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the server
            return self.respond_to_fault(trace_id, error)

    def late(self, admission: Admission) -> Response:
        """Make the response to a request that got none in time.

        Args:
            admission: Of the request.

        Returns:
            503, in the application's words; 500 if it fails.
        """
        return self.render(admission.head.trace_id, lambda: self._application.late(admission))

    def refuse(self, code: Code, detail: str, trace_id: str) -> Response:
        """Make the response to a fault that the server found.

        Args:
            code: The problem's code, which clients branch on.
            detail: What happened, and what to do next.
            trace_id: The request's.

        Returns:
            A problem document with the status of the code.
        """
        return self._application.refuse(code, detail, trace_id)

    def respond_to_fault(self, trace_id: str, error: Exception) -> Response:
        """Log a fault and make the response to the request that met it.

        Args:
            trace_id: The request's; the response names it.
            error: The fault; only the log has its details.

        Returns:
            500 `internal_error`.
        """
        _log.error(
            "internal_error", "a request ended in a fault of the service", error, trace_id=trace_id
        )
        return self._application.refuse(
            Code.INTERNAL_ERROR,
            "The service failed; its log has more under the trace id.",
            trace_id,
        )

    def report(self, now: float) -> None:
        """Have the application log what it has counted.

        Args:
            now: Seconds of the monotonic clock; infinity for the last
                report before the server ends.
        """
        try:
            self._application.report(now == math.inf)
        except Exception as error:  # noqa: BLE001 - it must not end the server
            _log.error("internal_error", "the application failed to log its totals", error)
