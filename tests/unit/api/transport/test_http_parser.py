import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from angarium.api.transport import http_parser
from angarium.api.transport.http_parser import (
    MAX_FIELDS,
    MAX_HEADERS,
    MAX_REQUEST_LINE,
    HttpError,
    RequestHead,
)
from angarium.domain.errors import Code

END = b"\r\n\r\n"


def parsed(head: bytes) -> RequestHead:
    return http_parser.parse_head(head)


def read(head: bytes) -> RequestHead:
    return http_parser.parse_head(head[: http_parser.head_end(head + END, 0)])


def refused(head: bytes) -> HttpError:
    with pytest.raises(HttpError) as caught:
        read(head)
    return caught.value


def test_a_head_is_taken_apart() -> None:
    head = parsed(b"POST /v1/messages?a=1&b HTTP/1.1\r\nHost: here:80\r\nX-Two:  1 \r\nx-two:\t2")
    assert head[:5] == (
        "POST",
        "/v1/messages",
        "a=1&b",
        1,
        {"host": ["here:80"], "x-two": ["1", "2"]},
    )
    assert head.headers.all("x-two") == ["1", "2"]


def test_the_target_stays_percent_encoded() -> None:
    assert parsed(b"GET /%2e%2E//a?%00 HTTP/1.1")[1:3] == ("/%2e%2E//a", "%00")


def test_a_value_keeps_what_is_inside_it() -> None:
    assert parsed("GET / HTTP/1.1\r\nA: b: c\td \xfc".encode("latin-1")).fields["a"] == [
        "b: c\td \xfc"
    ]


@pytest.mark.parametrize(("version", "minor"), [(b"1.0", 0), (b"1.1", 1), (b"1.9", 1)])
def test_every_version_of_http_1_is_read(version: bytes, minor: int) -> None:
    assert parsed(b"GET / HTTP/" + version).minor == minor


@pytest.mark.parametrize(
    ("line", "path", "query"),
    [
        (b"GET http://here HTTP/1.1", "/", ""),
        (b"GET HTTP://here:80/a/b?c=d HTTP/1.1", "/a/b", "c=d"),
        (b"GET https://[::1]:80?c HTTP/1.1", "/", "c"),
        (b"OPTIONS * HTTP/1.1", "*", ""),
        (b"OPTIONS http://here HTTP/1.1", "*", ""),
        (b"OPTIONS http://here/ HTTP/1.1", "/", ""),
        (b"CONNECT here:443 HTTP/1.1", "here:443", ""),
    ],
)
def test_the_rarer_forms_of_a_target_are_read(line: bytes, path: str, query: str) -> None:
    assert parsed(line)[1:3] == (path, query)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"GET",
        b"GET /",
        b"GET / ",
        b"GET  / HTTP/1.1",
        b"GET /  HTTP/1.1",
        b"GET / HTTP/1.1 ",
        b" GET / HTTP/1.1",
        b"GET\t/ HTTP/1.1",
        b"GET /\t HTTP/1.1",
        b"GET / http/1.1",
        b"GET / HTTP/2.0",
        b"GET / HTTP/1.10",
        b"GET / HTTP/0.9",
        b"GET / HTTP/1.\xb9",
        b"G@T / HTTP/1.1",
        b"G\xc4T / HTTP/1.1",
        b"GET a HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET /\xfc HTTP/1.1",
        b"GET /#a HTTP/1.1",
        b"GET ftp://here/ HTTP/1.1",
        b"GET http:///a HTTP/1.1",
        b"GET http://me@here/ HTTP/1.1",
        b"GET here:80 HTTP/1.1",
        b"PRI * HTTP/2.0",
    ],
)
def test_a_line_that_is_no_request_line_is_malformed(line: bytes) -> None:
    assert refused(line + b"\r\nHost: a").code is Code.MALFORMED_REQUEST


@pytest.mark.parametrize(
    "field",
    [
        b" folded",
        b"\tfolded: a",
        b"A : space before the colon",
        b"A B: space inside",
        b"no colon",
        b": no name",
        b"(A): not a token",
        b"\xc4: not ASCII",
        b"A: bare \r carriage return",
        b"A: bare \n line feed",
        b"A: nul \0",
        b"A: escape \x1b",
        b"A: delete \x7f",
        b"A: carriage return at the end\r",
    ],
)
def test_a_field_that_could_be_read_in_two_ways_is_malformed(field: bytes) -> None:
    assert refused(b"GET / HTTP/1.1\r\nHost: a\r\n" + field).code is Code.MALFORMED_REQUEST


def test_a_line_feed_alone_ends_no_line_and_no_head() -> None:
    with pytest.raises(HttpError) as caught:
        http_parser.head_end(b"GET / HTTP/1.1\nHost: a\n\n", 0)
    assert caught.value.code is Code.MALFORMED_REQUEST


def line_of(length: int) -> bytes:
    return b"GET /" + b"a" * (length - len("GET / HTTP/1.1")) + b" HTTP/1.1"


def test_a_request_line_may_have_8_kib_and_not_a_byte_more() -> None:
    http_parser.parse_head(line_of(MAX_REQUEST_LINE))
    assert http_parser.head_end(line_of(MAX_REQUEST_LINE) + END, 0) == MAX_REQUEST_LINE
    assert refused(line_of(MAX_REQUEST_LINE + 1)).code is Code.URI_TOO_LONG
    with pytest.raises(HttpError):
        http_parser.head_end(line_of(MAX_REQUEST_LINE + 99)[: MAX_REQUEST_LINE + 2], 0)


def fields_of(length: int) -> bytes:
    return b"A: " + b"b" * (length - 3)


def test_the_fields_may_have_16_kib_together_and_not_a_byte_more() -> None:
    line = b"GET / HTTP/1.1\r\n"
    assert http_parser.head_end(line + fields_of(MAX_HEADERS) + END, 0) == len(line) + MAX_HEADERS
    assert refused(line + fields_of(MAX_HEADERS + 1)).code is Code.HEADERS_TOO_LARGE
    with pytest.raises(HttpError):
        http_parser.head_end(line + fields_of(MAX_HEADERS + 4), 0)


@pytest.mark.parametrize(
    ("at", "code"), [(100, Code.MALFORMED_REQUEST), (20_000, Code.URI_TOO_LONG)]
)
def test_of_two_faults_the_first_one_is_told(at: int, code: Code) -> None:
    line = line_of(9_000) + b"\r\n" + fields_of(16_000)
    assert refused(line[:at] + b"\0" + line[at:]).code is code


def test_there_may_be_100_fields_and_not_one_more() -> None:
    parsed(b"GET / HTTP/1.1" + b"\r\nA: b" * MAX_FIELDS)
    assert (
        refused(b"GET / HTTP/1.1" + b"\r\nA: b" * (MAX_FIELDS + 1)).code is Code.HEADERS_TOO_LARGE
    )


def test_a_head_that_is_not_all_there_is_no_fault() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    assert all(http_parser.head_end(head[:length], 0) == -1 for length in range(len(head)))
    assert http_parser.head_end(head, 0) == len(head) - 4


@pytest.mark.parametrize(
    "host",
    ["here", "here:80", "here:", "127.0.0.1:8080", "[::1]:8080", "a-b.c_d", "%41", "a!$&'()*+;="],
)
def test_a_host_may_have_a_port(host: str) -> None:
    http_parser.check_host([host], required=True)


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "a/b", "me@here", "a,b", "here:x", "::1", "[zz]", "a?b", "a#b", "ü"]
)
def test_a_host_that_is_none_is_malformed(host: str) -> None:
    with pytest.raises(HttpError):
        http_parser.check_host([host], required=True)


def test_only_http_1_1_must_name_its_host() -> None:
    http_parser.check_host(None, required=False)
    with pytest.raises(HttpError):
        http_parser.check_host(None, required=True)


@pytest.mark.parametrize("wanted", [True, False])
def test_a_host_is_named_once(wanted: bool) -> None:
    with pytest.raises(HttpError):
        http_parser.check_host(["a", "a"], required=wanted)


Outcome = tuple[str, object]

ALPHABET = [
    b"\r\n",
    b"\r",
    b"\n",
    b" ",
    b"\t",
    b":",
    b"GET",
    b"/",
    b"HTTP/1.1",
    b"Host",
    b"a",
    b"\0",
    b"\xff",
    b"*",
]
HEADLIKE = st.lists(st.sampled_from(ALPHABET), max_size=40).map(b"".join)
LONG = st.builds(
    lambda line, fields, junk, at: (
        (line_of(line) + b"\r\n" + fields_of(fields) + END)[:at]
        + junk
        + (line_of(line) + b"\r\n" + fields_of(fields) + END)[at:]
    ),
    st.integers(MAX_REQUEST_LINE - 3, MAX_REQUEST_LINE + 3),
    st.integers(MAX_HEADERS - 5, MAX_HEADERS + 5),
    st.sampled_from([b"", b"\r", b"\n", b"\0", b"\r\n"]),
    st.sampled_from(
        [
            0,
            100,
            MAX_REQUEST_LINE - 1,
            MAX_REQUEST_LINE,
            MAX_REQUEST_LINE + 1,
            20_000,
            24_590,
            24_592,
        ]
    ),
)


def outcome(data: bytes) -> Outcome:
    try:
        end = http_parser.head_end(data, 0)
        return (
            ("incomplete", None)
            if end < 0
            else ("head", (end, http_parser.parse_head(data[:end])[:5]))
        )
    except HttpError as error:
        return ("error", (error.code, error.detail))


def outcome_in_pieces(data: bytes, cuts: list[int]) -> Outcome:
    seen = 0
    for cut in [*sorted(cut % (len(data) + 1) for cut in cuts), len(data)]:
        try:
            end = http_parser.head_end(data[:cut], 0, seen)
            if end >= 0:
                return ("head", (end, http_parser.parse_head(data[:end])[:5]))
        except HttpError as error:
            return ("error", (error.code, error.detail))
        seen = cut
    return ("incomplete", None)


@given(st.one_of(st.binary(max_size=300), HEADLIKE, LONG))
@example(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
def test_any_bytes_are_a_head_or_the_start_of_one_or_a_fault(data: bytes) -> None:
    assert outcome(data)[0] in ("head", "incomplete", "error")


@given(st.one_of(HEADLIKE, LONG), st.lists(st.integers(0, 40_000), max_size=8))
def test_however_the_bytes_are_cut_the_outcome_is_the_same(data: bytes, cuts: list[int]) -> None:
    assert outcome_in_pieces(data, cuts) == outcome(data)


@given(HEADLIKE)
def test_bytes_one_by_one_give_the_same_outcome(data: bytes) -> None:
    assert outcome_in_pieces(data, list(range(len(data)))) == outcome(data)
