import re

import pytest

from angarium.api.transport.http_parser import fields_within
from angarium.api.transport.trace_id import mint, trace_id_of

ID = "0af7651916cd43dd8448eb211c80319c"
OTHER = "b7ad6b7169203331b7ad6b7169203331"
PARENT = "b7ad6b7169203331"


def test_a_traceparent_gives_its_trace_id() -> None:
    assert trace_id_of({"traceparent": [f"00-{ID}-{PARENT}-01"]}) == ID


def test_a_later_version_of_traceparent_may_have_more_parts() -> None:
    assert trace_id_of({"traceparent": [f"cc-{ID}-{PARENT}-01"]}) == ID
    assert trace_id_of({"traceparent": [f"cc-{ID}-{PARENT}-01-what-the-future-brings"]}) == ID


@pytest.mark.parametrize("sent", [ID, ID.upper()])
def test_an_x_trace_id_is_taken_in_any_case(sent: str) -> None:
    assert trace_id_of({"x-trace-id": [sent]}) == ID


def test_the_traceparent_goes_first() -> None:
    fields = {"x-trace-id": [OTHER], "traceparent": [f"00-{ID}-{PARENT}-01"]}
    assert trace_id_of(fields) == ID


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        ID,
        f"00-{ID}-{PARENT}",
        f"00-{ID}-{PARENT}-01-more",
        f"00-{ID}-{PARENT}-0",
        f"ff-{ID}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{ID}-{'0' * 16}-01",
        f"00-{ID.upper()}-{PARENT}-01",
        f"00-{ID[:-1]}-{PARENT}-01",
        f"00-{ID}-{PARENT}-01 ",
        f"cc-{ID}-{PARENT}-01.more",
    ],
)
def test_an_ill_formed_traceparent_is_passed_over(traceparent: str) -> None:
    assert trace_id_of({"traceparent": [traceparent], "x-trace-id": [OTHER]}) == OTHER


@pytest.mark.parametrize("sent", ["", ID[:-1], ID + "0", "g" * 32, ID + "\n", f"{ID},{ID}"])
def test_an_ill_formed_x_trace_id_is_passed_over(sent: str) -> None:
    minted = trace_id_of({"x-trace-id": [sent]})
    assert minted != ID
    assert re.fullmatch("[0-9a-f]{32}", minted)


def test_a_trace_id_that_is_sent_twice_is_nobodys() -> None:
    assert trace_id_of({"x-trace-id": [ID, OTHER]}) not in (ID, OTHER)
    assert trace_id_of({"traceparent": [f"00-{ID}-{PARENT}-01"] * 2}) != ID


def test_minted_ids_are_32_hex_digits_and_differ() -> None:
    ids = {mint() for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", each) for each in ids)


@pytest.mark.parametrize(
    "field",
    [f"X-Trace-Id: {ID}", f"x-trace-ID:{ID.upper()} \t", f"traceparent: 00-{ID}-{PARENT}-01"],
)
@pytest.mark.parametrize(
    "before", ["GET / HTTP/1.1", "GET / HTTP/1.1\r\nA : b", "no request", "", "\r\nGET / HTTP/9"]
)
@pytest.mark.parametrize("behind", ["\r\nA: b\r\n\r\n", "\r\n\r\n", "\r\nA: b", "\r\n"])
def test_a_head_that_cannot_be_read_gives_its_trace_id(
    before: str, field: str, behind: str
) -> None:
    assert trace_id_of(fields_within(f"{before}\r\n{field}{behind}".encode())) == ID


def test_a_head_that_cannot_be_read_gives_its_traceparent_first() -> None:
    head = (
        f"GET / HTTP/1.1\r\nX-Trace-Id: {OTHER}\r\nX\r\ntraceparent: 00-{ID}-{PARENT}-01\r\n\r\n"
    )
    assert trace_id_of(fields_within(head.encode())) == ID


@pytest.mark.parametrize(
    "received",
    [
        "",
        f"X-Trace-Id: {ID}",
        f"GET / HTTP/1.1\r\nX-Trace-Id: {ID}",
        f"GET / HTTP/1.1\r\nX-Trace-Id: {ID}\r",
        f"GET / HTTP/1.1\r\nX-Trace-Id : {ID}\r\n\r\n",
        f"GET / HTTP/1.1\r\n X-Trace-Id: {ID}\r\n\r\n",
        f"GET / HTTP/1.1\nX-Trace-Id: {ID}\n\n",
        f"GET / HTTP/1.1\r\nX-Trace-Id: {ID}0\r\n\r\n",
        f"GET / HTTP/1.1\r\nA: b\r\n\r\nX-Trace-Id: {ID}\r\n\r\n",
        f"GET / HTTP/1.1\r\nX-Trace-Id: {ID}\r\nX-Trace-Id: {OTHER}\r\n\r\n",
    ],
)
def test_what_is_no_whole_well_formed_field_of_a_head_is_passed_over(received: str) -> None:
    minted = trace_id_of(fields_within(received.encode()))
    assert minted not in (ID, OTHER)
    assert re.fullmatch("[0-9a-f]{32}", minted)
