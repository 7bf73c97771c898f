"""One line for each request that was answered."""

from angarium import logs
from angarium.domain.user import Principal

UNREADABLE = "-"
UNMATCHED = "unmatched"

_log = logs.get("angarium.api.access")


class AccessEntry:
    """What is known so far of a request that will be answered.

    Attributes:
        method: As sent, `-` where that could not be read.
        template: The route's path with parameter names, `unmatched` where there is none.
        trace_id: The request's, empty while it is not known.
        principal: The caller, where a token proved one.
        began: When the request's head was read, by the monotonic clock; 0 while it was not.
    """

    __slots__ = ("began", "method", "principal", "template", "trace_id")

    def __init__(self) -> None:
        self.method = UNREADABLE
        self.template = UNMATCHED
        self.trace_id = ""
        self.principal: Principal | None = None
        self.began = 0.0

    def write(self, status: int, now: float) -> None:
        """Write the line.

        Args:
            status: Of the answer.
            now: The monotonic clock's seconds.
        """
        fields: dict[str, object] = {
            "method": self.method,
            "path": self.template,
            "status": status,
            "duration_ms": round((now - self.began) * 1000, 3),
            "trace_id": self.trace_id,
        }
        if self.principal is not None:
            fields["user_id"] = self.principal.user_id
        _log.info("request", f"{self.method} {self.template} {status}", **fields)
