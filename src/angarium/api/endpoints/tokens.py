"""POST /auth/token."""

from collections.abc import Mapping

from angarium.api.body_checks import is_form
from angarium.api.fields import BodyFields, ValidationErrors
from angarium.api.interface import PasswordCheck, Response
from angarium.api.json_codec import encode, read_form, read_object
from angarium.api.request_context import RequestContext
from angarium.api.values import quote_for_error
from angarium.domain.errors import Code
from angarium.services.login import IssuedToken

GRANT_TYPE = "password"


def issue(request: RequestContext) -> Response | PasswordCheck:
    """Check a name and a password, and issue a token.

    An attempt beyond the limits is refused before any hash is computed
    (docs/adr/0011).

    Args:
        request: With a JSON object or a form.

    Returns:
        200 with the token if the request may block, else the check that
        is left to do.
    """
    username, password = _credentials(_members(request))
    attempt = request.services.login.start(username, password, request.admission.client)
    check = PasswordCheck(lambda: _token(attempt.finish()), attempt.abandon)
    return check.run() if request.may_block else check


def _token(issued: IssuedToken) -> Response:
    """Return the response that carries a token."""
    document = {
        "access_token": issued.access_token,
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "user_id": str(issued.user_id),
    }
    return Response(200, encode(document), headers=(("Cache-Control", "no-store"),))


def _members(request: RequestContext) -> Mapping[str, object]:
    """Read the body, a form or JSON."""
    return (
        read_form(request.body)
        if is_form(request.admission.head.headers)
        else read_object(request.body)
    )


def _credentials(members: Mapping[str, object]) -> tuple[str, str]:
    """Return the username and password, or refuse the request."""
    errors = ValidationErrors()
    body = BodyFields(members, errors)
    username = body.text("username", required=True)
    password = body.text("password", required=True)
    grant_type = body.text("grant_type")
    if grant_type is not None and grant_type.value != GRANT_TYPE:
        errors.add(
            Code.UNSUPPORTED_GRANT_TYPE,
            f"`grant_type` is {quote_for_error(grant_type.value)}; send {GRANT_TYPE}, or leave it "
            "out.",
            "grant_type",
        )
    if password is not None and not _is_unicode(password.value):
        errors.add(
            Code.INVALID_FIELD,
            "`password` has a lone surrogate, which UTF-8 cannot carry; send the text as it was "
            "set.",
            "password",
        )
    errors.check()
    return ("" if username is None else username.value, "" if password is None else password.value)


def _is_unicode(text: str) -> bool:
    """Return whether a text is free of lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
