"""How many requests were refused for want of room, in a line each 10 s.

An overload refuses thousands of requests a second: a line for each
would make it worse (docs/adr/0007).
"""

from angarium import logs
from angarium.logs.repeats import Tally

_log = logs.get("angarium.api.transport")


class OverloadLog:
    """Counts refusals; used by the event loop's thread only."""

    __slots__ = ("_logins", "_requests")

    def __init__(self) -> None:
        """Start with nothing counted."""
        self._requests, self._logins = Tally(), Tally()

    def add_request(self) -> None:
        """Count a request that was refused as one too many."""
        self._requests.add()

    def add_login(self) -> None:
        """Count a login that found the queue for hashing full."""
        self._logins.add()

    def report(self, now: float, in_flight: int) -> None:
        """Log what was refused since the last line, if one is due.

        Args:
            now: Seconds of the monotonic clock; infinity for the last
                report before the server ends.
            in_flight: Concurrent requests at this moment.
        """
        requests = self._requests.due(now)
        if requests:
            _log.warning(
                "overloaded",
                f"{requests} requests were refused: the service, a user or an address had too "
                "many concurrent requests",
                refused=requests,
                in_hand=in_flight,
            )
        logins = self._logins.due(now)
        if logins:
            _log.warning(
                "overloaded",
                f"{logins} logins were refused: too many were waiting for their password to be "
                "checked, in all or from one address",
                refused=logins,
                path="/auth/token",
            )
