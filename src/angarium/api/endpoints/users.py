"""GET /v1/users/me, /v1/users/{user_id} and /v1/users."""

from angarium.api.fields import QueryFields, path_identifier
from angarium.api.interface import Response
from angarium.api.json_codec import encode
from angarium.api.request_context import RequestContext
from angarium.domain.errors import Code
from angarium.domain.timestamps import rfc3339
from angarium.domain.user import User


def me(request: RequestContext) -> Response:
    """Return the caller.

    Args:
        request: Without parameters.

    Returns:
        200 with the user.
    """
    request.validation_errors().check()
    return _response(request.services.users.by_id(request.caller_id))


def by_id(request: RequestContext) -> Response:
    """Return the user with an id.

    Args:
        request: With `user_id` in the path.

    Returns:
        200 with the user.
    """
    errors = request.validation_errors()
    user_id = path_identifier(request.admission.parameters, "user_id", errors)
    errors.check()
    return _response(request.services.users.by_id(user_id))


def by_name(request: RequestContext) -> Response:
    """Return the user with a name.

    Args:
        request: With `username` in the query.

    Returns:
        200 with the user.
    """
    errors = request.validation_errors()
    query = QueryFields(request.admission.head.query, errors)
    username = query.get("username", Code.INVALID_FIELD)
    if not query.has("username"):
        errors.add(
            Code.MISSING_PARAMETER,
            "`username` is missing; ask for /v1/users?username=…",
            "username",
        )
    errors.check()
    return _response(request.services.users.by_name(username or ""))


def _response(user: User) -> Response:
    """Return 200 with a user."""
    document = {
        "user_id": str(user.user_id),
        "username": user.username,
        "created_at": rfc3339(user.created_at),
    }
    return Response(200, encode(document))
