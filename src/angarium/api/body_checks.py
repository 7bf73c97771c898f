"""Checks of a body's length and media type, before it is read."""

from collections.abc import Sequence

from angarium.api.interface import MAX_BODY_BYTES, MAX_LENGTH_DIGITS, BodyRule
from angarium.api.request_headers import Headers
from angarium.api.values import quote_for_error
from angarium.domain.errors import Code, Refused

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

_WANTED = {BodyRule.JSON: (JSON,), BodyRule.JSON_OR_FORM: (JSON, FORM)}
_CHARSETS = ("utf-8", "utf8", "us-ascii")


def check_shape(rule: BodyRule, headers: Headers) -> None:
    """Check the body's length and media type.

    Args:
        rule: What bodies the route takes.
        headers: The request's; the parser has checked that a length
            is digits only.

    Raises:
        Refused: `length_required`, `body_too_large` or
            `unsupported_media_type`, in this order.
    """
    length = headers.get("content-length")
    if length is not None:
        _check_length(length)
    elif rule is not BodyRule.NONE and headers.get("transfer-encoding") is None:
        raise Refused.because(
            Code.LENGTH_REQUIRED, "The request has no Content-Length; send one, or a chunked body."
        )
    if rule is not BodyRule.NONE:
        _check_media_type(rule, headers)


def is_form(headers: Headers) -> bool:
    """Decide how to read a body that `check_shape` has passed.

    Args:
        headers: The request's.

    Returns:
        True for an urlencoded form, False for JSON.
    """
    return _media_type(headers.get("content-type") or "") == FORM


def _check_length(length: str) -> None:
    """Refuse a declared length beyond the limit."""
    digits = length.lstrip("0") or "0"
    # Python refuses to convert numbers of thousands of digits, so the
    # count comes first.
    if len(digits) > MAX_LENGTH_DIGITS or int(digits) > MAX_BODY_BYTES:
        raise Refused.because(
            Code.BODY_TOO_LARGE,
            f"The body has {_format_length(digits)} bytes; send at most {MAX_BODY_BYTES:,}.",
        )


def _format_length(digits: str) -> str:
    """Write a length for the error, short however long it was."""
    return (
        f"{int(digits):,}"
        if len(digits) <= MAX_LENGTH_DIGITS
        else f"a number of {len(digits)} digits of"
    )


def _check_media_type(rule: BodyRule, headers: Headers) -> None:
    """Refuse an encoded body, and a type the route does not take."""
    for encoding in headers.all("content-encoding"):
        if encoding.lower() not in ("", "identity"):
            raise _unsupported_media_type(
                f"The body is encoded as {quote_for_error(encoding)}; send it without an encoding."
            )
    values = headers.all("content-type")
    if len(values) > 1 and len({_media_type(value) for value in values}) > 1:
        raise _unsupported_media_type(
            "The request has two different Content-Type fields; send one."
        )
    for value in values:
        if value not in (JSON, ""):
            _check_value(value, _WANTED[rule])


def _check_value(value: str, wanted: Sequence[str]) -> None:
    """Refuse one `Content-Type` of a wrong type or charset."""
    if _media_type(value) not in wanted:
        raise _unsupported_media_type(
            f"The body's type is {quote_for_error(value)}; send {' or '.join(wanted)}."
        )
    charset = _charset(value)
    if charset not in _CHARSETS:
        raise _unsupported_media_type(
            f"The body's charset is {quote_for_error(charset)}; send UTF-8."
        )


def _media_type(value: str) -> str:
    """Return the type without its parameters, in lower case."""
    return value.partition(";")[0].strip(" \t").lower()


def _charset(value: str) -> str:
    """Return the charset parameter in lower case, UTF-8 if missing."""
    for parameter in value.split(";")[1:]:
        name, _, text = parameter.partition("=")
        if name.strip(" \t").lower() == "charset":
            return text.strip(" \t").strip('"').lower()
    return "utf-8"


def _unsupported_media_type(detail: str) -> Refused:
    """Make the error for any fault of the media type."""
    return Refused.because(Code.UNSUPPORTED_MEDIA_TYPE, detail)
