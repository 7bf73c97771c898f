"""One line for each request."""

from angarium import logs
from angarium.api.interface import Admission, Refusal
from angarium.api.path_ids import path_ids
from angarium.api.transport.http_parser import METHODS, Fields
from angarium.api.transport.trace_id import trace_id_of
from angarium.domain.errors import Code
from angarium.domain.user import Principal

UNREADABLE = "-"
UNMATCHED = "unmatched"
UNANSWERED = 499
"""The status of a request whose connection ended in the middle of its
body: nobody could be answered.
"""

_log = logs.get("angarium.api.access")


class AccessLog:
    """Gathers what is known of the request that a connection serves,
    and writes its line.

    Attributes:
        method: One that HTTP knows, `-` where that could not be read.
        decision: What the application made of the head, None while
            there is nothing.
        trace_id: Of the request whose head was read last.
        began: When the request's head was read, by the monotonic clock;
            0 while it was not.
    """

    __slots__ = ("_principal", "_user_id", "_user_ids", "began", "decision", "method", "trace_id")

    began: float
    decision: Admission | Refusal | None
    method: str

    def __init__(self) -> None:
        self.trace_id = ""
        self._principal: Principal | None = None
        self._user_ids = ""
        self._forget()

    def identify(self, principal: Principal | None) -> None:
        """Tell who sent the request.

        Args:
            principal: Whom a token proved, None where none was wanted.
        """
        if principal is not self._principal:
            # Most connections carry one user's requests; writing a UUID
            # down is dear.
            self._principal = principal
            self._user_ids = str(principal.user_id) if principal else ""
        self._user_id = self._user_ids

    def broke_off(self, now: float, fields: Fields) -> None:
        """Note that the request cannot be read on.

        Args:
            now: The monotonic clock's seconds.
            fields: What could be taken of its head, where that could
                not be read.
        """
        if self.method not in METHODS:
            # It may be the end of an earlier request's body.
            self.method = UNREADABLE
        if not self.began:
            self.began = now
            self.trace_id = trace_id_of(fields)

    def discarded(self, code: Code, peer: str) -> None:
        """Tell that a body broke off whose request is answered already;
        of the body itself nothing is told.

        Args:
            code: What was wrong with it.
            peer: Who sent it.
        """
        message = f"A body that nobody wanted broke off: {code}."
        _log.info("discarded", message, trace_id=self.trace_id, peer=peer)

    def write(self, status: int, now: float) -> None:
        """Write the line, and begin with the next request.

        Args:
            status: Of the answer.
            now: The monotonic clock's seconds.
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
        self.method = UNREADABLE
        self.decision = None
        self.began = 0.0
        self._user_id = ""
