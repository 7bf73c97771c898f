"""Where a request's body ends and whether its connection goes on: the rules that smugglers bend."""

from collections.abc import Sequence
from dataclasses import dataclass

from angarium.api.transport.wire import METHODS, Fields, HttpError, RequestHead, check_host
from angarium.domain.errors import Code

CHUNKED = -1
"""The length of a body whose chunks tell."""

MAX_DIGITS = 18
BEYOND_ALL_LIMITS = 10**18
"""Stands for every length of more digits: Python refuses to convert thousands of them."""


@dataclass(frozen=True, slots=True)
class Framing:
    """How a request is delimited.

    Attributes:
        length: The body's bytes, `CHUNKED` when only the chunks tell.
        keep_alive: Whether the client wants the connection to stay open.
        expects_continue: Whether the client waits for leave to send the body.
    """

    length: int
    keep_alive: bool
    expects_continue: bool


NO_BODY = Framing(0, True, False)
_NO_BODY_AND_CLOSE = Framing(0, False, False)


def framing_of(request: RequestHead) -> Framing:
    """Tell how a request is delimited, and check that there is only one way to read it.

    Args:
        request: A parsed head.

    Returns:
        Its body's length and its connection's fate.

    Raises:
        HttpError: `malformed_request`, `not_implemented` or `expectation_failed`.
    """
    fields = request.fields
    modern = request.minor == 1
    check_host(fields.get("host"), modern)
    length = _length(fields, modern)
    if request.method not in METHODS:
        detail = f"HTTP knows no method {request.method[:60]!a}; OPTIONS tells which ones a path takes."
        raise HttpError(Code.NOT_IMPLEMENTED, detail)
    keep_alive = _keep_alive(fields["connection"], modern) if "connection" in fields else modern
    continues = "expect" in fields and _expects_continue(fields["expect"], modern)
    if length == 0:
        return NO_BODY if keep_alive else _NO_BODY_AND_CLOSE
    return Framing(length, keep_alive, continues)


def _length(fields: Fields, modern: bool) -> int:
    lengths = fields.get("content-length")
    if "transfer-encoding" in fields:
        if lengths:
            raise _malformed_framing(
                "The request has both Transfer-Encoding and Content-Length; send one of them."
            )
        _check_encodings(fields["transfer-encoding"], modern)
        return CHUNKED
    if lengths is None:
        return 0
    if len(lengths) > 1:
        raise _malformed_framing("The request has two Content-Length fields; send one.")
    text = lengths[0]
    if not (text.isascii() and text.isdigit()):
        raise _malformed_framing(f"The Content-Length is {text[:60]!a}; send digits only.")
    digits = text.lstrip("0")
    return int(digits or 0) if len(digits) <= MAX_DIGITS else BEYOND_ALL_LIMITS


def _check_encodings(encodings: Sequence[str], modern: bool) -> None:
    if not modern:
        raise _malformed_framing(
            "The request has a Transfer-Encoding, which HTTP/1.0 lacks; send a Content-Length."
        )
    if len(encodings) > 1 or encodings[0].lower() != "chunked":
        shown = ", ".join(encodings)[:60]
        raise _malformed_framing(f"The Transfer-Encoding is {shown!a}; send exactly `chunked`.")


def _expects_continue(expectations: Sequence[str], modern: bool) -> bool:
    if len(expectations) > 1 or expectations[0].lower() != "100-continue":
        shown = ", ".join(expectations)[:60]
        detail = f"The request expects {shown!a}; only 100-continue can be met."
        raise HttpError(Code.EXPECTATION_FAILED, detail)
    # RFC 9110, 10.1.1: a 100-continue expectation of an HTTP/1.0 client is ignored.
    return modern


def _keep_alive(connection: Sequence[str], modern: bool) -> bool:
    options = {option.strip(" \t").lower() for value in connection for option in value.split(",")}
    return "close" not in options and (modern or "keep-alive" in options)


def _malformed_framing(detail: str) -> HttpError:
    return HttpError(Code.MALFORMED_REQUEST, detail)
