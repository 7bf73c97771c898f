"""Problem documents (RFC 9457)."""

from collections.abc import Mapping, Sequence

from angarium import logs
from angarium.api.interface import Response
from angarium.api.json_codec import encode
from angarium.api.problem_kinds import KINDS
from angarium.domain.errors import Code, LogUnavailable, Problem, Refused, Unavailable

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = 1
"""Seconds after which a 503 is worth another try."""

PAGE = "/problems"
"""Where a person can look every code up. A reference without a host
leads to the service that answered, also behind a balancer, and needs no
setting (RFC 9457, 3.1.1).
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
    """Name a kind of problem by a URI reference.

    Args:
        code: What clients branch on.

    Returns:
        The document's `type`: the code's section of the page about
        problems.
    """
    return f"{PAGE}#{code}"


def refusal(refused: Refused, trace_id: str) -> Response:
    """Answer a request that cannot be carried out as it stands.

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
        code: What clients branch on.
        detail: What happened, which value, and what to do next.
        trace_id: The request's.
        status: Instead of the code's own.
        retry_after: Seconds; 1 for any 503 when None.
        headers: Beside those that belong to the code.
        members: Beside the members that every document has.

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
        retry_after = RETRY_AFTER
    waiting = () if retry_after is None else (("Retry-After", str(max(1, retry_after))),)
    return Response(
        status, encode(document), CONTENT_TYPE, _HEADERS.get(code, ()) + waiting + headers
    )


def _names(found: Sequence[Problem]) -> str:
    names = list(dict.fromkeys(each.field or "the request" for each in found))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


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
    _log.error(
        "internal_error",
        "A request met a fault of the service.",
        error,
        trace_id=trace_id,
        **fields,
    )
    return problem(
        Code.INTERNAL_ERROR,
        "The service failed at this request; report its trace_id to whoever runs it.",
        trace_id,
    )


def unavailable(
    error: Unavailable, repeats: logs.Repeats, trace_id: str, **fields: object
) -> Response:
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
