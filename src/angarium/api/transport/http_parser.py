"""The bytes of a request's head: found, checked and taken apart (RFC
9112), strict where smugglers live.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from angarium.api.request_headers import Headers
from angarium.domain.errors import Code

MAX_REQUEST_LINE = 8 * 1024
"""Bytes of `GET /path HTTP/1.1`, without the line's end."""
MAX_HEADERS = 16 * 1024
"""Bytes of all header fields together."""
MAX_FIELDS = 100

METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
)

_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
# A carriage return at the very end may still get its line feed.
_ILLEGAL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n)(?!\Z)")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VERSION = re.compile(r"HTTP/1\.[0-9]")
_ABSOLUTE = re.compile(r"https?://([^/?]+)([^?]*)(?:\?(.*))?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+;=%]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


class HttpError(Exception):
    """A request that breaks HTTP's rules, or this server's limits; its
    connection must be closed.

    Attributes:
        code: What clients branch on.
        detail: What is wrong with which part, and what to send instead.
    """

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


Fields = Mapping[str, list[str]]
"""Header fields by name in lower case, each with its values in the
order in which they were sent.
"""


class RequestHead(NamedTuple):
    """A request's line and header fields, each well-formed by itself; a
    tuple, because one is made a request.

    Attributes:
        method: A token; not necessarily a method that HTTP knows.
        path: Of the target, still percent-encoded, without the query;
            `*` of `OPTIONS *`.
        query: Behind the `?`, still percent-encoded.
        minor: 0 or 1, of HTTP/1.x.
        fields: All of them.
        headers: The same, for the application.
    """

    method: str
    path: str
    query: str
    minor: int
    fields: Fields
    headers: Headers


def head_end(buffer: bytes, at: int, seen: int = 0) -> int:
    """Look for the end of a head, and for faults that more bytes could
    not mend.

    However the bytes are cut into pieces, the same fault is reported:
    the first one.

    Args:
        buffer: Received bytes.
        at: Where the request's line starts.
        seen: Bytes from there that an earlier call found in order, so
            that a client who sends single bytes does not have all of
            them looked at again each time.

    Returns:
        The offset of the empty line's preceding line end, -1 while it
        is not there.

    Raises:
        HttpError: `malformed_request`, `uri_too_long` or
            `headers_too_large`.
    """
    end = buffer.find(_END, at)
    if 0 <= end - at <= MAX_REQUEST_LINE:
        return end
    received = buffer[at : end + len(_END)] if end >= 0 else buffer[at:]
    illegal = _ILLEGAL.search(received, max(0, seen - 1))
    too_long_at, too_long = _passed_limit(received, end >= 0)
    if illegal and _quote_at(received, illegal.start()) <= too_long_at:
        raise _illegal(received, illegal.start())
    if too_long is not None:
        raise too_long
    return end


def parse_head(head: bytes) -> RequestHead:
    """Take a head apart.

    Args:
        head: From the request's line to the last field, without the
            last line end; within the limits.

    Returns:
        Its parts.

    Raises:
        HttpError: `malformed_request`, or `headers_too_large` for too
            many fields.
    """
    line, *lines = head.decode("latin-1").split("\r\n")
    if not (line.isprintable() and "".join(lines).isprintable()):
        _check_characters(head)
    method, path, query, minor = _request_line(line)
    if len(lines) > MAX_FIELDS:
        raise HttpError(
            Code.HEADERS_TOO_LARGE,
            f"The request has {len(lines)} header fields; send at most {MAX_FIELDS}.",
        )
    fields: dict[str, list[str]] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = _field_name(name)
        if not colon:
            raise _malformed(f"The header field {_quote(line)} has no colon.")
        if name in fields:
            fields[name].append(value.strip(" \t"))
        else:
            fields[name] = [value.strip(" \t")]
    return RequestHead(method, path, query, minor, fields, Headers.collected(fields))


def is_field_line(line: bytes) -> bool:
    """Tell whether a line of a trailer section is a header field.

    Args:
        line: Without its line end.

    Returns:
        True when it is a name, a colon and a value of legal characters.
    """
    name, colon, _ = line.partition(b":")
    return bool(
        colon
        and _TOKEN.fullmatch(name.decode("latin-1"))
        and not _ILLEGAL.search(line + _LINE_END)
    )


def check_host(hosts: Sequence[str] | None, wanted: bool) -> None:
    """Check that a request names its host once, as RFC 9112, 3.2 wants.

    Args:
        hosts: Every value of the Host field, None when there is none.
        wanted: True for HTTP/1.1, where there must be one.

    Raises:
        HttpError: `malformed_request`.
    """
    if hosts is None:
        if wanted:
            raise _malformed("The request has no Host field; HTTP/1.1 wants one.")
    elif len(hosts) > 1:
        raise _malformed("The request has two Host fields; send one.")
    elif not _is_authority(hosts[0]):
        raise _malformed(f"The Host field {_quote(hosts[0])} is no host and port.")


def _passed_limit(received: bytes, whole: bool) -> tuple[int, HttpError | None]:
    # How many bytes it takes to see that a limit is passed, and the
    # error; more than there are when none is.
    length = len(received)
    line_end = received.find(_LINE_END)
    if line_end > MAX_REQUEST_LINE or (line_end < 0 and length >= MAX_REQUEST_LINE + 2):
        return MAX_REQUEST_LINE + 2, HttpError(
            Code.URI_TOO_LONG,
            f"The request's line has more than {MAX_REQUEST_LINE:,} bytes; shorten the target.",
        )
    seen_at = line_end + 2 + MAX_HEADERS + len(_END)
    if line_end >= 0 and (length > seen_at or (length == seen_at and not whole)):
        return seen_at, HttpError(
            Code.HEADERS_TOO_LARGE,
            f"The header fields have more than {MAX_HEADERS:,} bytes in all; send fewer.",
        )
    return length + 1, None


def _quote_at(received: bytes, at: int) -> int:
    # How many bytes it takes to see an illegal one: a carriage return
    # needs the byte behind it.
    return at + 2 if received[at] == 0x0D else at + 1


def _check_characters(head: bytes) -> None:
    received = head + _END
    illegal = _ILLEGAL.search(received)
    if illegal:
        raise _illegal(received, illegal.start())


def _illegal(received: bytes, at: int) -> HttpError:
    names = {
        0x0D: "a carriage return without a line feed",
        0x0A: "a line feed without a carriage return",
    }
    what = names.get(received[at], f"the control character 0x{received[at]:02x}")
    return _malformed(f"The request's head has {what} at byte {at}.")


def _request_line(line: str) -> tuple[str, str, str, int]:
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    if version == "HTTP/1.1":
        minor = 1
    elif _VERSION.fullmatch(version):
        minor = min(1, int(version[-1]))
    else:
        raise _malformed(f"The request's line {_quote(line)} is not METHOD TARGET HTTP/1.1.")
    if method not in METHODS and not _TOKEN.fullmatch(method):
        raise _malformed(f"The method {_quote(method)} is no token.")
    if not target.isascii() or "#" in target or "\t" in target:
        raise _malformed(
            f"The target {_quote(target)} has characters that must be percent-encoded."
        )
    if target.startswith("/"):
        path, _, query = target.partition("?")
        return method, path, query, minor
    return method, *_other_target(method, target), minor


def _other_target(method: str, target: str) -> tuple[str, str]:
    # The rarer forms of RFC 9112, 3.2: absolute, authority, asterisk.
    if target == "*" and method == "OPTIONS":
        return "*", ""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute and _is_authority(absolute[1]):
        return absolute[2] or (
            "*" if method == "OPTIONS" and absolute[3] is None else "/"
        ), absolute[3] or ""
    if method == "CONNECT" and _is_authority(target):
        return target, ""
    raise _malformed(f"The target {_quote(target)} is neither a path nor an http URL.")


@lru_cache(512)
def _field_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise _malformed(
            f"The header field name {_quote(name)} is no token; no space may stand before, in or "
            "behind it."
        )
    return name.lower()


@lru_cache(512)
def _is_authority(text: str) -> bool:
    return _AUTHORITY.fullmatch(text) is not None


def _malformed(detail: str) -> HttpError:
    return HttpError(Code.MALFORMED_REQUEST, detail)


def _quote(text: str) -> str:
    return ascii(text if len(text) <= 60 else text[:60] + "…")


_LINE = re.compile(rb"\r\n(traceparent|x-trace-id|origin):([^\r\n]*)(?=\r\n)", re.IGNORECASE)


def fields_within(received: bytes) -> Fields:
    """Take the trace id and the origin from a head that cannot be read.

    Args:
        received: The head's bytes, as far as they came, and perhaps
            what follows them.

    Returns:
        The values of `traceparent`, `x-trace-id` and `origin`, as of a
        head that can be read.
    """
    end = received.find(b"\r\n\r\n")
    fields: dict[str, list[str]] = {}
    for name, value in _LINE.findall(received, 0, len(received) if end < 0 else end + 2):
        fields.setdefault(name.decode().lower(), []).append(value.decode("latin-1").strip(" \t"))
    return fields


CHUNKED = -1
"""The length of a body whose chunks tell."""

MAX_DIGITS = 18
BEYOND_ALL_LIMITS = 10**18
"""Stands for every length of more digits: Python refuses to convert
thousands of them.
"""


@dataclass(frozen=True, slots=True)
class Framing:
    """How a request is delimited.

    Attributes:
        length: The body's bytes, `CHUNKED` when only the chunks tell.
        keep_alive: Whether the client wants the connection to stay
            open.
        expects_continue: Whether the client waits for leave to send the
            body.
    """

    length: int
    keep_alive: bool
    expects_continue: bool


NO_BODY = Framing(0, True, False)
_NO_BODY_AND_CLOSE = Framing(0, False, False)


def framing_of(request: RequestHead) -> Framing:
    """Tell how a request is delimited, and check that there is only one
    way to read it.

    Args:
        request: A parsed head.

    Returns:
        Its body's length and its connection's fate.

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
            f"HTTP knows no method {request.method[:60]!a}; OPTIONS tells which ones a path takes."
        )
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
    # RFC 9110, 10.1.1: a 100-continue expectation of an HTTP/1.0 client
    # is ignored.
    return modern


def _keep_alive(connection: Sequence[str], modern: bool) -> bool:
    options = {option.strip(" \t").lower() for value in connection for option in value.split(",")}
    return "close" not in options and (modern or "keep-alive" in options)


def _malformed_framing(detail: str) -> HttpError:
    return HttpError(Code.MALFORMED_REQUEST, detail)
