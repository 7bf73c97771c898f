"""One line for each request."""

from angarium import logs
from angarium.api.interface import UNMATCHED, Admission, Refusal
from angarium.api.path_ids import path_ids
from angarium.api.transport.http_parser import METHODS, Fields, fields_within
from angarium.api.transport.trace_id import trace_id_of
from angarium.domain.errors import Code
from angarium.domain.user import Principal

UNREADABLE = "-"
"""The method of a request whose head is malformed."""
UNANSWERED = 499
"""The status of a request whose connection ended within its body.

No response was possible. nginx uses the same number.
"""

_log = logs.get("angarium.api.transport")


class AccessLog:
    """Collects what the log line of a connection's request says.

    Attributes:
        method: The request's; `-` if its head is malformed, unless it
            begins with `HEAD`.
        decision: What the application decided on the head, None before
            that.
        trace_id: Of the request whose head was read last.
        began: When the head was read, in seconds of the monotonic
            clock; 0 before that.
    """

    __slots__ = ("_principal", "_user_id", "_user_ids", "began", "decision", "method", "trace_id")

    began: float
    decision: Admission | Refusal | None
    method: str

    def __init__(self) -> None:
        """Start with nothing known; a connection keeps one for life."""
        self.trace_id = ""
        self._principal: Principal | None = None
        self._user_ids = ""
        self._forget()

    def identify(self, principal: Principal | None) -> None:
        """Note who sent the request.

        Args:
            principal: Whom the token proved; None on a route without.
        """
        if principal is not self._principal:
            # Most connections carry one user's requests, and formatting
            # a UUID is slow.
            self._principal = principal
            self._user_ids = str(principal.user_id) if principal else ""
        self._user_id = self._user_ids

    def broke_off(self, now: float, unread: bytes) -> Fields:
        """Note that the request is malformed or incomplete.

        Args:
            now: Seconds of the monotonic clock.
            unread: What was received of it, if its head was not read.

        Returns:
            The fields that were found in such a head.
        """
        if not self.began and unread.startswith(b"HEAD "):
            self.method = "HEAD"
        if self.method not in METHODS:
            # It may be the end of an earlier request's body.
            self.method = UNREADABLE
        if self.began:
            return {}
        self.began = now
        fields = fields_within(unread)
        self.trace_id = trace_id_of(fields)
        return fields

    def log_broken_body(self, code: Code, peer: str) -> None:
        """Log that a body broke off that was being read away.

        Its request has its own log line already.

        Args:
            code: What was wrong with the body.
            peer: The client's address.
        """
        message = f"The body of a request that was refused broke off: {code}."
        _log.info("discarded", message, trace_id=self.trace_id, peer=peer)

    def write(self, status: int, now: float) -> None:
        """Write the log line, and start with the next request.

        Args:
            status: Of the response.
            now: Seconds of the monotonic clock.
        """
        decision = self.decision
        template = UNMATCHED if decision is None else decision.template
        fields: dict[str, object] = {
            "method": self.method,
            "path": template,
            "status": status,
            # Whole microseconds; `round` takes several times as long.
            "duration_ms": int((now - self.began) * 1_000_000) / 1000,
            "trace_id": self.trace_id,
        }
        if self._user_id:
            fields["user_id"] = self._user_id
        if decision is not None and decision.parameters:
            fields.update(path_ids(decision.parameters))
        _log.info("request", f"{self.method} {template} {status}", **fields)
        self._forget()

    def _forget(self) -> None:
        """Clear all but the trace id and the user, which may return."""
        self.method = UNREADABLE
        self.decision = None
        self.began = 0.0
        self._user_id = ""
