import gc
import random
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.services.audit import external_sort
from angarium.services.audit.external_sort import ExternalSorter


@given(st.lists(st.binary(min_size=4, max_size=4), max_size=60), st.integers(1, 7))
def test_items_come_back_sorted_whatever_fits_into_memory(
    items: list[bytes], run_items: int
) -> None:
    with closing(ExternalSorter(4, run_items=run_items, max_runs=3)) as sorter:
        for item in items:
            sorter.add(item)
        assert list(sorter.read_sorted()) == sorted(items)
        assert list(sorter.read_sorted()) == sorted(items)


def test_items_may_be_added_after_a_reading() -> None:
    with closing(ExternalSorter(1, run_items=2)) as sorter:
        for item in (b"c", b"a", b"b"):
            sorter.add(item)
        assert list(sorter.read_sorted()) == [b"a", b"b", b"c"]
        sorter.add(b"b")
        assert list(sorter.read_sorted()) == [b"a", b"b", b"b", b"c"]


def test_no_file_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with closing(ExternalSorter(1, run_items=1)) as sorter:
        sorter.add(b"b")
        sorter.add(b"a")
        assert list(tmp_path.iterdir()) == []
        assert list(sorter.read_sorted()) == [b"a", b"b"]


def test_memory_does_not_grow_with_the_items() -> None:
    drawn = random.Random(1)

    def peak(count: int) -> int:
        gc.collect()
        tracemalloc.start()
        with closing(ExternalSorter(100, run_items=2_000, max_runs=8)) as sorter:
            for _ in range(count):
                sorter.add(drawn.randbytes(100))
            last = b""
            for item in sorter.read_sorted():
                assert item >= last
                last = item
        measured = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return measured

    assert peak(60_000) < 1.5 * peak(20_000)


def test_an_item_is_written_again_once_for_each_level(monkeypatch: pytest.MonkeyPatch) -> None:
    written = 0
    write = external_sort._write_block

    def counting(file: IO[bytes], items: Sequence[bytes]) -> None:
        nonlocal written
        written += len(items)
        write(file, items)

    monkeypatch.setattr(external_sort, "_write_block", counting)
    items = [random.Random(1).randbytes(8) for _ in range(4**5)]
    with closing(ExternalSorter(8, run_items=1, max_runs=4)) as sorter:
        for item in items:
            sorter.add(item)
        assert list(sorter.read_sorted()) == sorted(items)
    assert written <= 6 * len(items)


def test_a_run_that_is_full_leaves_memory() -> None:
    def items() -> Iterator[bytes]:
        for number in range(10):
            yield number.to_bytes(2, "big")

    with closing(ExternalSorter(2, run_items=4)) as sorter:
        for item in items():
            sorter.add(item)
            assert len(sorter._items) < 4
