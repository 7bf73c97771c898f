"""An external merge sort: more items than memory has room for.

Items are collected, sorted a run at a time and written to temporary
files; reading merges the runs. So that they stay few, runs of one level
are merged into one of the next: an item is written again once for each
level, and each level is for MAX_RUNS times as many items. The files
have no name, so they are gone with the process, whatever ends it.
"""

import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import IO

RUN_ITEMS = 100_000
"""Items of one run, which are in memory: of 100 bytes each, 15 MB."""

MAX_RUNS = 64
"""Runs of one level; each has an open file and, while it is read, a
block in memory.
"""

BLOCK_ITEMS = 1_000
"""Items that are compressed together, about 100 KB: neighbours of a
sorted run are alike, so a third of their bytes is left.
"""

_LENGTH_BYTES = 4


class ExternalSorter:
    """Sorts items of one length by their bytes; used by one thread."""

    def __init__(
        self, item_bytes: int, run_items: int = RUN_ITEMS, max_runs: int = MAX_RUNS
    ) -> None:
        """Start without items, and without a file.

        Args:
            item_bytes: The length of every item.
            run_items: How many are sorted in memory.
            max_runs: How many runs a level has at most.
        """
        self._item_bytes = item_bytes
        self._run_items = run_items
        self._max_runs = max_runs
        self._items: list[bytes] = []
        self._levels: list[list[IO[bytes]]] = []

    def add(self, item: bytes) -> None:
        """Take an item.

        Args:
            item: Of the set length.

        Raises:
            OSError: There is no room for temporary files.
        """
        self._items.append(item)
        if len(self._items) >= self._run_items:
            self._write_run()

    def read_sorted(self) -> Iterator[bytes]:
        """Read all items; more may be added only when it has ended.

        Yields:
            In the order of their bytes, equal ones as often as they
            were added.
        """
        self._items.sort()
        runs = (run for level in self._levels for run in level)
        yield from merge(*map(self._read_run, runs), self._items)

    def close(self) -> None:
        """Remove the temporary files; safe to repeat."""
        for level in self._levels:
            _close(level)
        self._items.clear()

    def _write_run(self) -> None:
        """Move the items that are in memory into a run of their own."""
        self._items.sort()
        run = _write(self._items)
        self._items.clear()
        for level in self._levels:
            level.append(run)
            if len(level) < self._max_runs:
                return
            run = _write(merge(*map(self._read_run, level)))
            _close(level)
        self._levels.append([run])

    def _read_run(self, run: IO[bytes]) -> Iterator[bytes]:
        """Yield the items of a run, a block in memory at a time."""
        run.seek(0)
        size = self._item_bytes
        while length := run.read(_LENGTH_BYTES):
            block = zlib.decompress(run.read(int.from_bytes(length, "big")))
            for start in range(0, len(block), size):
                yield block[start : start + size]


def _close(runs: list[IO[bytes]]) -> None:
    """Remove some runs."""
    for run in runs:
        run.close()
    runs.clear()


def _write(items: Iterable[bytes]) -> IO[bytes]:
    """Write sorted items to a file, in compressed blocks."""
    file = tempfile.TemporaryFile(prefix="angarium-")  # noqa: SIM115 - closed with the sorter
    block: list[bytes] = []
    for item in items:
        block.append(item)
        if len(block) == BLOCK_ITEMS:
            _write_block(file, block)
            block.clear()
    _write_block(file, block)
    return file


def _write_block(file: IO[bytes], items: Sequence[bytes]) -> None:
    """Write a block of items, its length first."""
    block = zlib.compress(b"".join(items), 1)
    file.write(len(block).to_bytes(_LENGTH_BYTES, "big"))
    file.write(block)
