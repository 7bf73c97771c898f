import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.record import default_records, util
from kafka.record._crc32c import crc as librarys_own
from kafka.record.memory_records import MemoryRecordsBuilder

from angarium.engines.kafka.patches.checksum import FOLDS, crc32c, quicken, stepped


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
    assert crc32c(data) == expected


@given(st.binary(max_size=3_000))
def test_it_agrees_with_the_librarys_own(data: bytes) -> None:
    assert crc32c(data) == librarys_own(data)


@pytest.mark.parametrize("bits", [length for length, _ in FOLDS])
def test_it_agrees_about_lengths_around_every_fold(bits: int) -> None:
    for size in (bits // 4 - 1, bits // 4, bits // 4 + 1):
        data = bytes(index * 37 % 251 for index in range(size))
        assert crc32c(memoryview(data)) == librarys_own(data)


def test_every_fold_is_what_so_many_steps_make_of_a_one() -> None:
    assert [(length, stepped(1, length)) for length, _ in FOLDS] == list(FOLDS)


def test_the_library_uses_it_where_the_package_in_c_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_records, "calc_crc32c", None)
    monkeypatch.setattr(util, "crc32c_c", None)
    quicken()
    assert default_records.calc_crc32c is crc32c


def test_the_package_in_c_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    untouched = object()
    monkeypatch.setattr(default_records, "calc_crc32c", untouched)
    monkeypatch.setattr(util, "crc32c_c", object())
    quicken()
    assert default_records.calc_crc32c is untouched


def test_the_library_asks_what_is_put_in_its_place_for_each_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def checksum(data: memoryview) -> int:
        asked.append(len(data))
        return 0

    monkeypatch.setattr(default_records, "calc_crc32c", checksum)
    batch = MemoryRecordsBuilder(2, 0, 16_384)
    batch.append(timestamp=0, key=b"key", value=b"value")
    batch.close()
    assert asked
