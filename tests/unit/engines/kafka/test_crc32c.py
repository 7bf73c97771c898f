import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record._crc32c import crc as librarys_own

from angarium.engines.kafka.crc32c import FOLDS, crc32c, fastest, fold, step


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0x00000000),
        (b"a", 0xC1D04330),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_known_checksums(data: bytes, expected: int) -> None:
    assert fold(data) == expected


@given(st.binary(max_size=3_000))
def test_it_agrees_with_the_librarys_own(data: bytes) -> None:
    assert fold(data) == librarys_own(data)
    assert crc32c(data) == librarys_own(data)


@pytest.mark.parametrize("bits", [length for length, _ in FOLDS])
def test_it_agrees_about_lengths_around_every_fold(bits: int) -> None:
    for size in (bits // 4 - 1, bits // 4, bits // 4 + 1):
        data = bytes(index * 37 % 251 for index in range(size))
        assert fold(memoryview(data)) == librarys_own(data)


def test_every_fold_is_what_so_many_steps_make_of_a_one() -> None:
    assert [(length, step(1, length)) for length, _ in FOLDS] == list(FOLDS)


def test_without_the_package_in_c_it_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "crc32c", None)
    assert fastest() is fold


def test_with_the_package_in_c_it_is_not() -> None:
    assert fastest() is pytest.importorskip("crc32c").crc32c
