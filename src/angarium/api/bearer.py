"""The bearer token of a request (RFC 6750)."""

from angarium.api.headers import Headers
from angarium.domain.errors import Code, Refused

_SCHEME = "bearer"


def bearer_token(headers: Headers) -> str:
    """Find the token that a request carries.

    Args:
        headers: The request's.

    Returns:
        The token as it was sent, not verified.

    Raises:
        Refused: `missing_token` when there is none, or one of another scheme; `invalid_token` when there
            is nothing behind `Bearer`, or two of them.
    """
    values = headers.all("authorization")
    if len(values) > 1:
        raise Refused.because(
            Code.INVALID_TOKEN, f"The request has {len(values)} Authorization fields; send one."
        )
    value = values[0] if values else ""
    if value[:6].lower() != _SCHEME or value[6:7] not in ("", " ", "\t"):
        raise Refused.because(
            Code.MISSING_TOKEN,
            "The request has no bearer token; get one from POST /auth/token "
            "and send it as `Authorization: Bearer …`.",
        )
    token = value[7:].strip()
    if not token:
        raise Refused.because(
            Code.INVALID_TOKEN, "Nothing stands behind `Bearer`; send the token from POST /auth/token there."
        )
    return token
