"""Answers when the service itself is at fault; what happened inside goes to the log and nowhere else."""

from angarium import logs
from angarium.api.exchange import Response
from angarium.api.problems import problem
from angarium.domain.errors import Code, LogUnavailable, Unavailable

_log = logs.get("angarium.api")


def internal_error(error: BaseException, trace_id: str, **fields: object) -> Response:
    """Answer a request that met a fault of the program.

    Args:
        error: What was raised.
        trace_id: The request's.
        **fields: More ids for the log line.

    Returns:
        500, without a word about the fault.
    """
    _log.error("internal_error", "A request met a fault of the service.", error, trace_id=trace_id, **fields)
    return problem(
        Code.INTERNAL_ERROR,
        "The service failed at this request; report its trace_id to whoever runs it.",
        trace_id,
    )


def unavailable(error: Unavailable, repeats: logs.Repeats, trace_id: str, **fields: object) -> Response:
    """Answer a request that needed the log or the store in vain.

    Args:
        error: What was raised.
        repeats: Knows when an outage was last told: it may meet any
            number of requests.
        trace_id: The request's.
        **fields: More ids for the log line.

    Returns:
        503, with the time after which a retry makes sense.
    """
    code = Code.LOG_UNAVAILABLE if isinstance(error, LogUnavailable) else Code.STORE_UNAVAILABLE
    part = "log" if code is Code.LOG_UNAVAILABLE else "store"
    _log.limited_error(
        repeats,
        code.value,
        f"A request needed the {part}, which did not answer in time.",
        None,
        trace_id=trace_id,
        error_type=type(error).__name__,
        reason=str(error),
        **fields,
    )
    return problem(code, f"The {part} did not answer in time; send the request again.", trace_id)
