from hypothesis import given
from hypothesis import strategies as st

from angarium.engines.embedded.headers import read_headers, write_headers

names = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(names, st.none() | st.binary()))
def test_headers_of_any_bytes_come_back(headers: dict[str, bytes | None]) -> None:
    assert read_headers(write_headers(headers)) == headers


@given(st.dictionaries(names, st.binary()))
def test_what_is_kept_is_plain_text(headers: dict[str, bytes]) -> None:
    text = write_headers(headers)
    assert text.isascii()
    assert "\x00" not in text
    assert read_headers(text.encode()) == headers
