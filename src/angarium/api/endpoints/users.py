"""GET /v1/users/me, /v1/users/{user_id} and /v1/users."""

from angarium.api.fields import QueryFields, path_identifier
from angarium.api.interface import Response
from angarium.api.json_codec import encode
from angarium.api.request_context import RequestContext
from angarium.api.timestamps import rfc3339
from angarium.domain.errors import Code
from angarium.domain.user import User


def me(call: RequestContext) -> Response:
    """Return the caller.

    Args:
        call: Without parameters.

    Returns:
        200 with the user.
    """
    call.faults().check()
    return _response(call.services.users.by_id(call.caller_id))


def by_id(call: RequestContext) -> Response:
    """Return the user with an id.

    Args:
        call: With `user_id` in the path.

    Returns:
        200 with the user.
    """
    faults = call.faults()
    user_id = path_identifier(call.admission.parameters, "user_id", faults)
    faults.check()
    return _response(call.services.users.by_id(user_id))


def by_name(call: RequestContext) -> Response:
    """Return the user with a name.

    Args:
        call: With `username` in the query.

    Returns:
        200 with the user.
    """
    faults = call.faults()
    username = QueryFields(call.admission.head.query, faults).get("username", Code.INVALID_FIELD)
    if username is None:
        faults.add(
            Code.MISSING_PARAMETER,
            "`username` is missing; ask for /v1/users?username=…",
            "username",
        )
    faults.check()
    return _response(call.services.users.by_name(username or ""))


def _response(user: User) -> Response:
    """Return 200 with a user."""
    document = {
        "user_id": str(user.user_id),
        "username": user.username,
        "created_at": rfc3339(user.created_at),
    }
    return Response(200, encode(document))
