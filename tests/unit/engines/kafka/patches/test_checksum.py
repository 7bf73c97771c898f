import pytest
from kafka.record import default_records, util
from kafka.record.memory_records import MemoryRecordsBuilder

from angarium.engines.kafka.crc32c import fold
from angarium.engines.kafka.patches import checksum


def test_the_library_uses_it_where_the_package_in_c_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(default_records, "calc_crc32c", None)
    monkeypatch.setattr(util, "crc32c_c", None)
    checksum.install()
    assert default_records.calc_crc32c is fold


def test_the_package_in_c_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    untouched = object()
    monkeypatch.setattr(default_records, "calc_crc32c", untouched)
    monkeypatch.setattr(util, "crc32c_c", object())
    checksum.install()
    assert default_records.calc_crc32c is untouched


def test_the_library_asks_what_is_put_in_its_place_for_each_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []

    def computed(data: memoryview) -> int:
        asked.append(len(data))
        return 0

    monkeypatch.setattr(default_records, "calc_crc32c", computed)
    batch = MemoryRecordsBuilder(2, 0, 16_384)
    batch.append(timestamp=0, key=b"key", value=b"value")
    batch.close()
    assert asked
