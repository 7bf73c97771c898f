import pytest

from angarium.api.transport import http_parser
from angarium.api.transport.http_parser import HttpError
from angarium.api.transport.request_framing import CHUNKED, Framing, framing_of
from angarium.domain.errors import Code


def framing(*fields: str, line: str = "POST / HTTP/1.1") -> Framing:
    head = "\r\n".join([line, "Host: here", *fields])
    return framing_of(http_parser.parse_head(head.encode("latin-1")))


def refused(*fields: str, line: str = "POST / HTTP/1.1") -> Code:
    with pytest.raises(HttpError) as caught:
        framing(*fields, line=line)
    return caught.value.code


def test_a_request_without_a_length_has_no_body() -> None:
    assert framing() == Framing(0, keep_alive=True, expects_continue=False)


@pytest.mark.parametrize(("text", "length"), [("0", 0), ("12", 12), ("0012", 12)])
def test_a_length_is_a_number_of_bytes(text: str, length: int) -> None:
    assert framing(f"Content-Length: {text}").length == length


@pytest.mark.parametrize("digits", [19, 5000])
def test_a_length_beyond_all_numbers_is_still_a_length(digits: int) -> None:
    assert framing("Content-Length: " + "9" * digits).length == 10**18


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+5",
        "-5",
        "5,5",
        "5, 5",
        "5 5",
        "0x5",
        "5.0",
        "5e1",
        "five",
        "\xb2",
        "5\t5",
        "\u00a05",
        "_5",
        "1_000",
    ],
)
def test_a_length_that_is_not_digits_alone_is_malformed(text: str) -> None:
    assert refused(f"Content-Length: {text}") is Code.MALFORMED_REQUEST


@pytest.mark.parametrize("second", ["5", "6"])
def test_two_lengths_are_malformed_even_when_they_agree(second: str) -> None:
    assert refused("Content-Length: 5", f"content-length: {second}") is Code.MALFORMED_REQUEST


@pytest.mark.parametrize("coding", ["chunked", "Chunked", "CHUNKED"])
def test_chunks_tell_the_length(coding: str) -> None:
    assert framing(f"Transfer-Encoding: {coding}").length == CHUNKED


@pytest.mark.parametrize(
    "coding",
    [
        "",
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, chunked",
        "chunked,",
        "xchunked",
        "chunked;a=b",
        "chunked\t,",
    ],
)
def test_a_coding_other_than_exactly_chunked_is_malformed(coding: str) -> None:
    assert refused(f"Transfer-Encoding: {coding}") is Code.MALFORMED_REQUEST


def test_two_codings_are_malformed() -> None:
    assert (
        refused("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")
        is Code.MALFORMED_REQUEST
    )
    assert (
        refused("Transfer-Encoding: chunked", "Transfer-Encoding: identity")
        is Code.MALFORMED_REQUEST
    )


@pytest.mark.parametrize("length", ["0", "5"])
def test_a_length_beside_chunks_is_malformed(length: str) -> None:
    assert (
        refused("Transfer-Encoding: chunked", f"Content-Length: {length}")
        is Code.MALFORMED_REQUEST
    )
    assert (
        refused(f"Content-Length: {length}", "Transfer-Encoding: chunked")
        is Code.MALFORMED_REQUEST
    )


def test_http_1_0_has_no_chunks() -> None:
    assert refused("Transfer-Encoding: chunked", line="POST / HTTP/1.0") is Code.MALFORMED_REQUEST


def test_a_host_is_wanted() -> None:
    with pytest.raises(HttpError):
        framing_of(http_parser.parse_head(b"GET / HTTP/1.1"))
    assert refused("Host: here") is Code.MALFORMED_REQUEST


@pytest.mark.parametrize(
    ("line", "connection", "kept"),
    [
        ("GET / HTTP/1.1", None, True),
        ("GET / HTTP/1.1", "close", False),
        ("GET / HTTP/1.1", "Keep-Alive, CLOSE", False),
        ("GET / HTTP/1.1", "upgrade", True),
        ("GET / HTTP/1.0", None, False),
        ("GET / HTTP/1.0", "keep-alive", True),
        ("GET / HTTP/1.0", "Keep-Alive, close", False),
    ],
)
def test_the_connection_is_kept_as_the_client_wants(
    line: str, connection: str | None, kept: bool
) -> None:
    fields = [] if connection is None else [f"Connection: {connection}"]
    assert framing(*fields, line=line).keep_alive is kept


def test_close_counts_in_any_of_several_fields() -> None:
    assert not framing("Connection: keep-alive", "Connection: close").keep_alive


def test_a_client_may_wait_for_leave_to_send_its_body() -> None:
    assert framing("Expect: 100-Continue", "Content-Length: 5").expects_continue
    assert framing("Expect: 100-continue", "Transfer-Encoding: chunked").expects_continue


def test_nobody_waits_for_leave_to_send_nothing() -> None:
    assert not framing("Expect: 100-continue").expects_continue


def test_an_expectation_of_http_1_0_is_ignored() -> None:
    assert not framing(
        "Expect: 100-continue", "Content-Length: 5", line="POST / HTTP/1.0"
    ).expects_continue


@pytest.mark.parametrize("expectation", ["200-ok", "", "100-continue, 100-continue"])
def test_any_other_expectation_fails(expectation: str) -> None:
    assert refused(f"Expect: {expectation}") is Code.EXPECTATION_FAILED


@pytest.mark.parametrize("method", ["BREW", "get", "PROPFIND", "A" * 5000])
def test_a_method_that_http_does_not_know_is_not_implemented(method: str) -> None:
    assert refused(line=f"{method} / HTTP/1.1") is Code.NOT_IMPLEMENTED


@pytest.mark.parametrize("method", sorted(http_parser.METHODS))
def test_every_method_of_http_passes(method: str) -> None:
    framing(line=f"{method} / HTTP/1.1")
