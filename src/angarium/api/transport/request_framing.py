"""Where a request ends, by its header fields (RFC 9112, section 6)."""

from collections.abc import Sequence
from dataclasses import dataclass

from angarium.api.interface import MAX_LENGTH_DIGITS
from angarium.api.transport.http_parser import (
    METHODS,
    Fields,
    HttpError,
    RequestHead,
    check_host,
    malformed_request,
)
from angarium.domain.errors import Code

CHUNKED = -1
"""The length of a body that comes in chunks, each with its own size."""

BEYOND_ALL_LIMITS = 10**18
"""The length taken for every longer number: Python refuses to convert
thousands of digits.
"""


@dataclass(frozen=True, slots=True)
class Framing:
    """Where a request ends, and what becomes of its connection.

    Attributes:
        length: The body's bytes, or `CHUNKED`.
        keep_alive: Whether the client wants the connection to stay
            open.
        expects_continue: Whether the client waits for 100 Continue
            before it sends the body.
    """

    length: int
    keep_alive: bool
    expects_continue: bool


NO_BODY = Framing(0, True, False)
_NO_BODY_AND_CLOSE = Framing(0, False, False)


def framing_of(request: RequestHead) -> Framing:
    """Find where a request ends; reject it if there are two readings.

    Args:
        request: A parsed head.

    Returns:
        The body's length, and what the client wants.

    Raises:
        HttpError: `malformed_request`, `not_implemented` or
            `expectation_failed`.
    """
    fields = request.fields
    modern = request.minor == 1
    check_host(fields.get("host"), modern)
    length = _length(fields, modern)
    if request.method not in METHODS:
        detail = (
            f"HTTP has no method {request.method[:60]!a}; OPTIONS lists those that a path takes."
        )
        raise HttpError(Code.NOT_IMPLEMENTED, detail)
    keep_alive = _keep_alive(fields["connection"], modern) if "connection" in fields else modern
    continues = "expect" in fields and _expects_continue(fields["expect"], modern)
    if length == 0:
        return NO_BODY if keep_alive else _NO_BODY_AND_CLOSE
    return Framing(length, keep_alive, continues)


def _length(fields: Fields, modern: bool) -> int:
    """Return the length of the body, which only one field may give."""
    lengths = fields.get("content-length")
    if "transfer-encoding" in fields:
        if lengths:
            raise malformed_request(
                "The request has both Transfer-Encoding and Content-Length; send one of them."
            )
        _check_encodings(fields["transfer-encoding"], modern)
        return CHUNKED
    if lengths is None:
        return 0
    if len(lengths) > 1:
        raise malformed_request("The request has two Content-Length fields; send one.")
    text = lengths[0]
    if not (text.isascii() and text.isdigit()):
        raise malformed_request(f"The Content-Length is {text[:60]!a}; send digits only.")
    digits = text.lstrip("0")
    return int(digits or 0) if len(digits) <= MAX_LENGTH_DIGITS else BEYOND_ALL_LIMITS


def _check_encodings(encodings: Sequence[str], modern: bool) -> None:
    """Raise an error for any transfer coding but `chunked`."""
    if not modern:
        raise malformed_request(
            "The request has a Transfer-Encoding, which is not part of HTTP/1.0; send a "
            "Content-Length."
        )
    if len(encodings) > 1 or encodings[0].lower() != "chunked":
        shown = ", ".join(encodings)[:60]
        raise malformed_request(f"The Transfer-Encoding is {shown!a}; send exactly `chunked`.")


def _expects_continue(expectations: Sequence[str], modern: bool) -> bool:
    """Return whether the client waits for 100 Continue."""
    if len(expectations) > 1 or expectations[0].lower() != "100-continue":
        shown = ", ".join(expectations)[:60]
        detail = f"The request expects {shown!a}; only 100-continue can be met."
        raise HttpError(Code.EXPECTATION_FAILED, detail)
    # RFC 9110, 10.1.1: a 100-continue expectation of an HTTP/1.0 client
    # is ignored.
    return modern


def _keep_alive(connection: Sequence[str], modern: bool) -> bool:
    """Return whether the connection stays open after the response."""
    options = {option.strip(" \t").lower() for value in connection for option in value.split(",")}
    return "close" not in options and (modern or "keep-alive" in options)
