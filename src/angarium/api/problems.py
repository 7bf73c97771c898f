"""Problem documents (RFC 9457)."""

from collections.abc import Mapping, Sequence

from angarium import logs
from angarium.api.interface import Response
from angarium.api.json_codec import encode
from angarium.api.problem_kinds import KINDS
from angarium.domain.errors import Code, LogUnavailable, Problem, Refused, Unavailable

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_S = 1
"""Seconds after which a client may repeat a request that got a 503: the
smallest number that the field can have.
"""

PAGE = "/problems"
"""Where a person can look every code up. A reference without a host
links to the service that answered, through a load balancer too, and
needs no setting (RFC 9457, 3.1.1; docs/adr/0024).
"""

_INVALID_TOKEN = ("WWW-Authenticate", 'Bearer error="invalid_token"')
_CHALLENGE = ("WWW-Authenticate", "Bearer")
_HEADERS: Mapping[Code, tuple[tuple[str, str], ...]] = {
    Code.MISSING_TOKEN: (_CHALLENGE,),
    Code.INVALID_TOKEN: (_INVALID_TOKEN,),
    Code.EXPIRED_TOKEN: (_INVALID_TOKEN,),
    Code.INVALID_CREDENTIALS: (_CHALLENGE,),
}


def type_of(code: Code) -> str:
    """Return the `type` of a problem document, a URI reference.

    Args:
        code: The problem's code.

    Returns:
        The document's `type`: the code's section of the page about
        problems.
    """
    return f"{PAGE}#{code}"


def refusal(refused: Refused, trace_id: str) -> Response:
    """Make the response to a request that is refused.

    Args:
        refused: One problem, which has its own status, or several,
            which are 400 unless all of them share another status.
        trace_id: The request's.

    Returns:
        The problem document, with `errors` when there are several
        problems.
    """
    found = refused.problems
    first = found[0]
    if len(found) == 1:
        return problem(first.code, first.detail, trace_id, retry_after=refused.retry_after)
    statuses = {KINDS[each.code].status for each in found}
    return problem(
        first.code,
        f"{len(found)} fields are wrong: {_names(found)}. `errors` says what to do about each.",
        trace_id,
        status=statuses.pop() if len(statuses) == 1 else 400,
        retry_after=refused.retry_after,
        members={"errors": [{"field": each.field or "", "detail": each.detail} for each in found]},
    )


def problem(
    code: Code,
    detail: str,
    trace_id: str,
    *,
    status: int | None = None,
    retry_after: int | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    members: Mapping[str, object] | None = None,
) -> Response:
    """Make a problem document.

    Args:
        code: The problem's code.
        detail: What is wrong, which value, what is allowed.
        trace_id: The request's.
        status: Replaces the code's own.
        retry_after: Seconds; None means 1 for a 503, else no field.
        headers: In addition to those of the code.
        members: In addition to those of every document.

    Returns:
        The answer.
    """
    kind = KINDS[code]
    status = kind.status if status is None else status
    document: dict[str, object] = {
        "type": type_of(code),
        "title": kind.title,
        "status": status,
        "detail": detail,
        "code": code.value,
        "trace_id": trace_id,
    }
    if members:
        document.update(members)
    if retry_after is None and status == 503:
        retry_after = RETRY_AFTER_S
    waiting = () if retry_after is None else (("Retry-After", str(max(1, retry_after))),)
    return Response(
        status, encode(document), CONTENT_TYPE, _HEADERS.get(code, ()) + waiting + headers
    )


def _names(found: Sequence[Problem]) -> str:
    """List the fields at fault, as in `a, b and c`."""
    names = list(dict.fromkeys(each.field or "the request" for each in found))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


_log = logs.get("angarium.api")


def internal_error(error: BaseException, trace_id: str, **fields: object) -> Response:
    """Log an unexpected exception and answer 500.

    Args:
        error: What was raised.
        trace_id: The request's.
        **fields: Further ids for the log line.

    Returns:
        500, without details of the error.
    """
    _log.error(
        "internal_error",
        "A request failed because of a defect of the service.",
        error,
        trace_id=trace_id,
        **fields,
    )
    return problem(
        Code.INTERNAL_ERROR,
        "The service failed at this request; report its trace_id to the operator.",
        trace_id,
    )


def unavailable(
    error: Unavailable, repeats: logs.Repeats, trace_id: str, **fields: object
) -> Response:
    """Log that the log or the store does not answer, and answer 503.

    Args:
        error: What was raised.
        repeats: Limits how often the line of one outage is written.
        trace_id: The request's.
        **fields: Further ids for the log line.

    Returns:
        503 with `Retry-After`.
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
