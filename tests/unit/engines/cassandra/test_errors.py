import pytest
from cassandra import (
    ConsistencyLevel,
    InvalidRequest,
    OperationTimedOut,
    Unavailable,
    WriteTimeout,
    WriteType,
)
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionShutdown
from cassandra.protocol import ErrorMessage, OverloadedErrorMessage

from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.errors import (
    CAS_WRITE_UNKNOWN,
    DRIVER_ERRORS,
    Contended,
    unavailable,
)

UNKNOWN_TO_THE_DRIVER = ErrorMessage(CAS_WRITE_UNKNOWN, "CAS operation result is unknown", None)
RACED = WriteTimeout("raced", consistency=ConsistencyLevel.SERIAL, write_type=WriteType.CAS)

OUTAGES = [
    NoHostAvailable("nobody", {}),
    OperationTimedOut(),
    Unavailable("too few", required_replicas=2, alive_replicas=1),
    WriteTimeout("slow", write_type=WriteType.SIMPLE),
    InvalidRequest("no such column"),
    ConnectionShutdown("gone"),
    OverloadedErrorMessage(0x1001, "too much", None),
    ErrorMessage(0x9999, "of a later version", None),
    OSError("refused"),
]


@pytest.mark.parametrize("error", OUTAGES, ids=lambda error: type(error).__name__)
def test_whatever_the_driver_says_is_an_outage(error: Exception) -> None:
    assert isinstance(error, DRIVER_ERRORS)
    failure = unavailable(error)
    assert type(failure) is StoreUnavailable
    assert failure.__cause__ is error
    assert type(error).__name__ in str(failure)


@pytest.mark.parametrize(
    "error", [UNKNOWN_TO_THE_DRIVER, RACED], ids=["unknown to the driver", "timed out"]
)
def test_a_conditional_write_that_others_met_is_told_apart(error: Exception) -> None:
    assert isinstance(error, DRIVER_ERRORS)
    assert isinstance(unavailable(error), Contended)


def test_a_long_story_is_cut() -> None:
    assert len(str(unavailable(OSError("x" * 100_000)))) < 300
