"""Finds, checks and parses the head of a request (RFC 9112).

It is strict where two readings are possible: request smuggling needs a
balancer and a server that read the same bytes differently.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from angarium.api.request_headers import Headers
from angarium.domain.errors import Code

MAX_REQUEST_LINE = 8 * 1024
"""Bytes of `GET /path HTTP/1.1`, without the line's end. RFC 9112,
section 3, recommends to support 8,000 at least.
"""
MAX_HEADERS = 16 * 1024
"""Bytes of all header fields together: what HAProxy's default buffer
(`tune.bufsize`) lets through.
"""
MAX_FIELDS = 100
"""Header fields; as many as Python's `http.client` takes."""

METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"}
)
"""Those of RFC 9110, section 9, and PATCH (RFC 5789)."""

_END = b"\r\n\r\n"
_LINE_END = b"\r\n"
# A carriage return at the very end may still get its line feed.
_ILLEGAL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|(?<!\r)\n|\r(?!\n)(?!\Z)")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VERSION = re.compile(r"HTTP/1\.[0-9]")
_ABSOLUTE = re.compile(r"https?://([^/?]+)([^?]*)(?:\?(.*))?", re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+;=%]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


class HttpError(Exception):
    """A request that breaks HTTP's rules or this server's limits.

    Its connection must be closed after the response.

    Attributes:
        code: The problem's code, which clients branch on.
        detail: What is wrong with which part, and what to send instead.
    """

    def __init__(self, code: Code, detail: str) -> None:
        """Say what is wrong; see the attributes."""
        super().__init__(detail)
        self.code = code
        self.detail = detail


Fields = Mapping[str, list[str]]
"""Header fields by name in lower case, each with its values in the
order in which they were sent.
"""


class RequestHead(NamedTuple):
    """A request's line and header fields, each well-formed by itself.

    A tuple, because one is made for each request.

    Attributes:
        method: A token; not necessarily a method that HTTP knows.
        path: Of the target, still percent-encoded, without the query;
            `*` of `OPTIONS *`.
        query: What follows the `?`, still percent-encoded.
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
    """Find the end of a head, or a fault that more bytes cannot cure.

    The first fault is reported, whatever pieces the bytes come in.

    Args:
        buffer: Received bytes.
        at: Where the request's line starts.
        seen: How many bytes from there an earlier call has checked. So
            a client that sends single bytes does not have all of them
            checked each time.

    Returns:
        The offset of the line end before the empty line; -1 while that
        has not arrived.

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
    if illegal and _seen_after(received, illegal.start()) <= too_long_at:
        raise _illegal(received, illegal.start())
    if too_long is not None:
        raise too_long
    return end


def parse_head(head: bytes) -> RequestHead:
    """Parse a head.

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
    method, path, query, minor, authority = _request_line(line)
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
            raise malformed_request(f"The header field {_quote(line)} has no colon.")
        if name in fields:
            fields[name].append(value.strip(" \t"))
        else:
            fields[name] = [value.strip(" \t")]
    # The host of an absolute target counts, not the field's (RFC 9112,
    # 3.2.2); `fields` keeps what was sent, for `check_host`.
    meant = {**fields, "host": [authority]} if authority else fields
    return RequestHead(method, path, query, minor, fields, Headers.from_lists(meant))


def is_field_line(line: bytes) -> bool:
    """Return whether a line of a trailer section is a header field.

    Args:
        line: Without its line end.

    Returns:
        True for a name, a colon and a value of legal characters.
    """
    name, colon, _ = line.partition(b":")
    return bool(
        colon
        and _TOKEN.fullmatch(name.decode("latin-1"))
        and not _ILLEGAL.search(line + _LINE_END)
    )


def check_host(hosts: Sequence[str] | None, required: bool) -> None:
    """Check that a request names its host once (RFC 9112, 3.2).

    Args:
        hosts: Every value of the Host field, None when there is none.
        required: True for HTTP/1.1, where there must be one.

    Raises:
        HttpError: `malformed_request`.
    """
    if hosts is None:
        if required:
            raise malformed_request("The request has no Host field; HTTP/1.1 requires one.")
    elif len(hosts) > 1:
        raise malformed_request("The request has two Host fields; send one.")
    elif not _is_authority(hosts[0]):
        raise malformed_request(f"The Host field {_quote(hosts[0])} is not a host and port.")


def _passed_limit(received: bytes, whole: bool) -> tuple[int, HttpError | None]:
    """Return after how many bytes a limit is passed, and the error.

    If none is, that is more bytes than there are, and no error.
    """
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


def _seen_after(received: bytes, at: int) -> int:
    """Return how many bytes it takes to see that one is illegal.

    A carriage return needs the byte after it.
    """
    return at + 2 if received[at] == 0x0D else at + 1


def _check_characters(head: bytes) -> None:
    """Raise an error for the first control character of a head."""
    received = head + _END
    illegal = _ILLEGAL.search(received)
    if illegal:
        raise _illegal(received, illegal.start())


def _illegal(received: bytes, at: int) -> HttpError:
    """Return the error that names an illegal byte and its place."""
    names = {
        0x0D: "a carriage return without a line feed",
        0x0A: "a line feed without a carriage return",
    }
    what = names.get(received[at], f"the control character 0x{received[at]:02x}")
    return malformed_request(f"The request's head has {what} at byte {at}.")


def _request_line(line: str) -> tuple[str, str, str, int, str]:
    """Return method, path, query, minor version and authority."""
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    if version == "HTTP/1.1":
        minor = 1
    elif _VERSION.fullmatch(version):
        minor = min(1, int(version[-1]))
    else:
        raise malformed_request(
            f"The request's line {_quote(line)} is not METHOD TARGET HTTP/1.1."
        )
    if method not in METHODS and not _TOKEN.fullmatch(method):
        raise malformed_request(f"The method {_quote(method)} is not a token (RFC 9110, 5.6.2).")
    if not target.isascii() or "#" in target or "\t" in target:
        raise malformed_request(
            f"The target {_quote(target)} has characters that must be percent-encoded."
        )
    if target.startswith("/"):
        path, _, query = target.partition("?")
        return method, path, query, minor, ""
    path, query, authority = _other_target(method, target)
    return method, path, query, minor, authority


def _other_target(method: str, target: str) -> tuple[str, str, str]:
    """Return path, query and authority of the rarer targets.

    These are absolute, authority and asterisk (RFC 9112, 3.2).
    """
    if target == "*" and method == "OPTIONS":
        return "*", "", ""
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute and _is_authority(absolute[1]):
        everything = method == "OPTIONS" and absolute[3] is None
        return absolute[2] or ("*" if everything else "/"), absolute[3] or "", absolute[1]
    if method == "CONNECT" and _is_authority(target):
        return target, "", ""
    raise malformed_request(f"The target {_quote(target)} is neither a path nor an http URL.")


@lru_cache(512)
def _field_name(name: str) -> str:
    """Return a field's name in lower case; clients send few names."""
    if not _TOKEN.fullmatch(name):
        raise malformed_request(
            f"The header field name {_quote(name)} is not a token; no space is allowed before, "
            "in or after it."
        )
    return name.lower()


@lru_cache(512)
def _is_authority(text: str) -> bool:
    """Return whether a text is a host, perhaps with a port."""
    return _AUTHORITY.fullmatch(text) is not None


def malformed_request(detail: str) -> HttpError:
    """Make the error of a request that breaks HTTP's rules.

    Args:
        detail: What is wrong with which part.

    Returns:
        400 `malformed_request`, to be raised.
    """
    return HttpError(Code.MALFORMED_REQUEST, detail)


def _quote(text: str) -> str:
    """Return up to 60 characters, in ASCII, for an error text."""
    return ascii(text if len(text) <= 60 else text[:60] + "…")


_WANTED_LINE = re.compile(
    rb"\r\n(traceparent|x-trace-id|origin):([^\r\n]*)(?=\r\n)", re.IGNORECASE
)


def fields_within(received: bytes) -> Fields:
    """Find the trace id and the origin in a head that is malformed.

    Args:
        received: The head's bytes as far as they came, and perhaps what
            follows them.

    Returns:
        The values of `traceparent`, `x-trace-id` and `origin`, in the
        form that a well-formed head gives.
    """
    end = received.find(b"\r\n\r\n")
    fields: dict[str, list[str]] = {}
    for name, value in _WANTED_LINE.findall(received, 0, len(received) if end < 0 else end + 2):
        fields.setdefault(name.decode().lower(), []).append(value.decode("latin-1").strip(" \t"))
    return fields
