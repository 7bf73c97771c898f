"""The one place that translates the driver's errors."""

from cassandra import DriverException, WriteTimeout, WriteType
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionBusy, ConnectionException
from cassandra.pool import NoConnectionsAvailable
from cassandra.protocol import ErrorMessage

from angarium.domain.errors import StoreUnavailable

DRIVER_ERRORS = (
    DriverException,
    NoHostAvailable,
    ConnectionException,
    ConnectionBusy,
    NoConnectionsAvailable,
    ErrorMessage,
    OSError,
)
"""Everything that the driver raises for passing faults, and for what is
wrong with a statement: an unforeseen error counts as an outage, so no
message is skipped because of it. A server's error that the driver does
not know comes as a bare ErrorMessage, which is no DriverException.
"""

CAS_WRITE_UNKNOWN = 0x1700
"""The server's code for a conditional write that lost against others
(native protocol 5, section 9); the driver has no class for it.
"""


class Contended(StoreUnavailable):
    """A conditional write met others at the same row.

    It may have succeeded, and a retry may succeed.
    """


def unavailable(error: BaseException) -> StoreUnavailable:
    """Translate an error of the driver.

    Args:
        error: What the driver raised, or completed a future with.

    Returns:
        The port's error, caused by it.
    """
    kind = Contended if _is_contention(error) else StoreUnavailable
    failure = kind(f"Cassandra refused or failed: {type(error).__name__}: {str(error)[:200]}")
    failure.__cause__ = error
    return failure


def _is_contention(error: BaseException) -> bool:
    """Return whether a conditional write lost against others."""
    if isinstance(error, WriteTimeout):
        return bool(error.write_type == WriteType.CAS)
    return isinstance(error, ErrorMessage) and error.code == CAS_WRITE_UNKNOWN
