"""Problem documents (RFC 9457): one table from code to status and title."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from angarium.api.exchange import Response
from angarium.api.json_bodies import encode
from angarium.domain.errors import Code, Problem, Refused

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = 1
"""Seconds after which a 503 is worth another try."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What all problems of one code have in common.

    Attributes:
        status: The HTTP status, when nothing else is wrong.
        title: The same for every occurrence, for a person.
    """

    status: int
    title: str


KINDS: Mapping[Code, Kind] = {
    Code.MALFORMED_REQUEST: Kind(400, "The request is not well-formed HTTP"),
    Code.REQUEST_TIMEOUT: Kind(408, "The request did not arrive in time"),
    Code.URI_TOO_LONG: Kind(414, "The target is too long"),
    Code.EXPECTATION_FAILED: Kind(417, "The expectation cannot be met"),
    Code.HEADERS_TOO_LARGE: Kind(431, "The header fields are too large"),
    Code.NOT_IMPLEMENTED: Kind(501, "The method is unknown"),
    Code.NOT_FOUND: Kind(404, "Nothing is at this path"),
    Code.METHOD_NOT_ALLOWED: Kind(405, "The path does not take this method"),
    Code.MISSING_TOKEN: Kind(401, "A bearer token is needed"),
    Code.INVALID_TOKEN: Kind(401, "The token is not valid"),
    Code.EXPIRED_TOKEN: Kind(401, "The token has expired"),
    Code.LENGTH_REQUIRED: Kind(411, "The body's length is needed"),
    Code.BODY_TOO_LARGE: Kind(413, "The body is too large"),
    Code.UNSUPPORTED_MEDIA_TYPE: Kind(415, "The body's media type is not supported"),
    Code.MALFORMED_JSON: Kind(400, "The body cannot be read"),
    Code.MISSING_FIELD: Kind(400, "A field is missing"),
    Code.INVALID_FIELD: Kind(400, "A field has a wrong type or value"),
    Code.MISSING_PARAMETER: Kind(400, "A query parameter is missing"),
    Code.INVALID_CREDENTIALS: Kind(401, "The username or the password is wrong"),
    Code.UNSUPPORTED_GRANT_TYPE: Kind(400, "The grant type is not supported"),
    Code.TOO_MANY_ATTEMPTS: Kind(429, "Too many failed logins"),
    Code.USER_NOT_FOUND: Kind(404, "There is no such user"),
    Code.INVALID_PARTICIPANTS: Kind(400, "The participants are not two users, one of them the caller"),
    Code.INVALID_CONVERSATION_ID: Kind(400, "The conversation's id is no UUID"),
    Code.CONVERSATION_NOT_FOUND: Kind(404, "The caller has no such conversation"),
    Code.SENDER_MISMATCH: Kind(403, "The sender is not the caller"),
    Code.RECIPIENT_MISMATCH: Kind(400, "The recipient is not the other participant"),
    Code.EMPTY_CONTENT: Kind(400, "The text is empty"),
    Code.CONTENT_TOO_LARGE: Kind(413, "The text is too large"),
    Code.INVALID_CONTENT: Kind(400, "The text has a character that cannot be carried"),
    Code.INVALID_MESSAGE_ID: Kind(400, "The message's id is no UUID"),
    Code.INVALID_LIMIT: Kind(400, "The limit is out of range"),
    Code.INVALID_ORDER: Kind(400, "The order is unknown"),
    Code.INVALID_TIMESTAMP: Kind(400, "The timestamp cannot be read"),
    Code.INVALID_CURSOR: Kind(400, "The cursor is not valid here"),
    Code.MESSAGE_NOT_FOUND: Kind(404, "The conversation has no such message"),
    Code.INVALID_STATUS: Kind(400, "The status cannot be set"),
    Code.NOT_RECIPIENT: Kind(403, "The caller is not the recipient"),
    Code.LOG_UNAVAILABLE: Kind(503, "The log does not answer"),
    Code.STORE_UNAVAILABLE: Kind(503, "The store does not answer"),
    Code.OVERLOADED: Kind(503, "Too many requests are in hand"),
    Code.INTERNAL_ERROR: Kind(500, "The service failed"),
}

_INVALID_TOKEN = ("WWW-Authenticate", 'Bearer error="invalid_token"')
_CHALLENGE = ("WWW-Authenticate", "Bearer")
_HEADERS: Mapping[Code, tuple[tuple[str, str], ...]] = {
    Code.MISSING_TOKEN: (_CHALLENGE,),
    Code.INVALID_TOKEN: (_INVALID_TOKEN,),
    Code.EXPIRED_TOKEN: (_INVALID_TOKEN,),
    Code.INVALID_CREDENTIALS: (_CHALLENGE,),
}


def type_of(code: Code) -> str:
    """Name a kind of problem by a URI.

    Args:
        code: What clients branch on.

    Returns:
        The document's `type`, an identifier that is not meant to be fetched.
    """
    return f"urn:angarium:problem:{code}"


def refusal(refused: Refused, trace_id: str) -> Response:
    """Answer a request that cannot be carried out as it stands.

    Args:
        refused: One problem, which has its own status, or several, which are 400 unless all of them
            share another status.
        trace_id: The request's.

    Returns:
        The problem document, with `errors` when there are several problems.
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
    return Response(status, encode(document), CONTENT_TYPE, _HEADERS.get(code, ()) + waiting + headers)


def _names(found: Sequence[Problem]) -> str:
    names = list(dict.fromkeys(each.field or "the request" for each in found))
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
