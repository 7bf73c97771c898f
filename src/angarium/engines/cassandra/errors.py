"""The one place where the driver's errors become the port's."""

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
"""Everything that the driver raises for what may be better later, and
for what is wrong with a statement: an error that nobody foresaw counts
as an outage, so that no message is skipped because of it. The driver
hands over a server's error that it does not know as a bare
ErrorMessage, which is no DriverException.
"""

CAS_WRITE_UNKNOWN = 0x1700
"""The server's code for a conditional write that others got in the way
of; newer than the driver.
"""


class Contended(StoreUnavailable):
    """A conditional write met others at the same row; it may have been
    done, and may work the next time.
    """


def unavailable(error: BaseException) -> StoreUnavailable:
    """Translate an error of the driver.

    Args:
        error: What the driver raised or handed over.

    Returns:
        The port's error, caused by it.
    """
    kind = Contended if _is_contention(error) else StoreUnavailable
    failure = kind(f"Cassandra did not do it: {type(error).__name__}: {str(error)[:200]}")
    failure.__cause__ = error
    return failure


def _is_contention(error: BaseException) -> bool:
    if isinstance(error, WriteTimeout):
        return bool(error.write_type == WriteType.CAS)
    return isinstance(error, ErrorMessage) and error.code == CAS_WRITE_UNKNOWN
