import os
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angarium.deadline import within
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.domain.partitioning import partition_for
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog, read_headers, write_headers
from angarium.engines.embedded.log_starts import advance_log_starts
from angarium.ports.message_log import Appended, NewRecord, Position
from tests.fakes.clock import ManualClock

PATIENCE = 30.0
PARTITIONS = 4


def record(number: int) -> NewRecord:
    return NewRecord(
        b"key-%d" % number, b"value-%d" % number, {"trace_id": "1" * 32, "schema": "1"}
    )


def append(log: EmbeddedLog, number: int) -> Appended:
    return log.append(record(number)).result(PATIENCE)


def rows(connection: sqlite3.Connection) -> list[tuple[int, int, bytes]]:
    return connection.execute(
        "SELECT partition, offset, value FROM log ORDER BY partition, offset"
    ).fetchall()


@pytest.fixture
def log(database: Database, clock: ManualClock) -> EmbeddedLog:
    return EmbeddedLog(database, clock)


def test_offsets_are_dense_in_every_partition(log: EmbeddedLog, database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        appended = list(pool.map(lambda number: append(log, number), range(400)))
    per_partition = Counter(each.partition for each in appended)
    assert sorted((each.partition, each.offset) for each in appended) == [
        (partition, offset)
        for partition in sorted(per_partition)
        for offset in range(per_partition[partition])
    ]
    stored = {(partition, offset): value for partition, offset, value in database.read(rows)}
    assert stored == {
        (each.partition, each.offset): b"value-%d" % number for number, each in enumerate(appended)
    }


def test_a_key_always_goes_to_the_partition_that_kafka_would_choose(log: EmbeddedLog) -> None:
    for number in range(20):
        assert append(log, number).partition == partition_for(b"key-%d" % number, PARTITIONS)


def test_the_time_is_the_logs_own_and_may_step_back(log: EmbeddedLog, clock: ManualClock) -> None:
    first = append(log, 1)
    clock.step_wall(-5_000)
    second = append(log, 1)
    assert first.timestamp == clock.now_ms() + 5_000
    assert second.timestamp == clock.now_ms()
    assert second.offset == first.offset + 1


def test_offsets_go_on_after_a_restart(folder: Path, clock: ManualClock) -> None:
    with closing(Database.open(folder, PARTITIONS)) as opened:
        first = append(EmbeddedLog(opened, clock), 1)
    with closing(Database.open(folder, PARTITIONS)) as opened:
        log = EmbeddedLog(opened, clock)
        assert log.ends()[first.partition] == first.offset + 1
        assert append(log, 1).offset == first.offset + 1


def test_offsets_go_on_after_every_record_was_removed(folder: Path, clock: ManualClock) -> None:
    def remove(connection: sqlite3.Connection, starts: Sequence[Appended]) -> list[None]:
        for each in starts:
            connection.execute("DELETE FROM log")
            advance_log_starts(connection, {each.partition: Position(each.offset + 1)})
        return [None] * len(starts)

    with closing(Database.open(folder, PARTITIONS)) as opened:
        last = [append(EmbeddedLog(opened, clock), 1) for _ in range(3)][-1]
        opened.register(remove).wait(last)
    with closing(Database.open(folder, PARTITIONS)) as opened:
        log = EmbeddedLog(opened, clock)
        assert log.ends()[last.partition] == last.offset + 1
        assert append(log, 1).offset == last.offset + 1


def test_a_full_disk_refuses_records_and_room_takes_them_again(
    log: EmbeddedLog, database: Database
) -> None:
    def limit(connection: sqlite3.Connection, pages: Sequence[int]) -> list[None]:
        for each in pages:
            connection.execute(f"PRAGMA max_page_count = {each}")
        return [None] * len(pages)

    limits = database.register(limit)
    kept = append(log, 1)
    limits.wait(1)
    huge = NewRecord(b"key-1", bytes(200_000), {})
    assert isinstance(log.append(huge).exception(PATIENCE), LogUnavailable)
    limits.wait(1_000_000)
    assert log.append(huge).result(PATIENCE).offset == kept.offset + 1


def test_a_failed_commit_leaves_no_gap_and_no_double(log: EmbeddedLog, database: Database) -> None:
    def fail(connection: sqlite3.Connection, items: Sequence[None]) -> Sequence[None]:
        raise ZeroDivisionError

    append(log, 1)
    faulty = database.register(fail)
    before = log.append(record(1))
    refused = faulty.submit(None)
    after = [log.append(record(1)) for _ in range(2)]
    assert isinstance(refused.exception(PATIENCE), StoreUnavailable)
    assert [each.result(PATIENCE).offset for each in [before, *after]] == [1, 2, 3]
    assert append(log, 1).offset == 4


def test_a_record_that_cannot_be_written_leaves_no_gap(log: EmbeddedLog) -> None:
    """The offset that it had been given is given again."""
    assert [append(log, 1).offset for _ in range(3)] == [0, 1, 2]
    unwritable = NewRecord(b"key-1", cast("bytes", object()), {})
    assert isinstance(log.append(unwritable).exception(PATIENCE), LogUnavailable)
    assert append(log, 1).offset == 3


def test_records_that_another_process_appended_stop_no_append(
    log: EmbeddedLog, folder: Path, clock: ManualClock
) -> None:
    first = append(log, 1)
    for more in (1, 3, 5):
        with closing(Database.open(folder, PARTITIONS)) as other:
            assert append(EmbeddedLog(other, clock), 1).offset == first.offset + more
        assert append(log, 1).offset == first.offset + more + 1


def test_a_check_writes_and_commits(
    log: EmbeddedLog, database: Database, clock: ManualClock
) -> None:
    log.check()
    probed = database.read(
        lambda connection: connection.execute(
            "SELECT value FROM meta WHERE name = 'probed_at'"
        ).fetchone()
    )
    assert probed == (clock.now_ms(),)


def test_a_check_is_bounded(log: EmbeddedLog, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "angarium.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with within(0.05), pytest.raises(LogUnavailable):
            log.check()


def test_a_check_fails_while_the_last_record_found_no_room(
    log: EmbeddedLog, database: Database
) -> None:
    """Although there is room for something small; nobody but the check
    may try when all are turned away.
    """

    def limit(connection: sqlite3.Connection, more: Sequence[int]) -> list[int]:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + more[0]}")
        return [pages]

    limits = database.register(limit)
    limits.wait(3)
    log.check()
    assert isinstance(
        log.append(NewRecord(b"key", bytes(100_000), {})).exception(PATIENCE), LogUnavailable
    )
    for _ in range(2):
        with pytest.raises(LogUnavailable, match="full"):
            log.check()
    limits.wait(1000)
    log.check()
    before = limits.wait(1000)
    for _ in range(5):
        log.check()
    assert limits.wait(1000) == before
    limits.wait(3)
    assert isinstance(
        log.append(NewRecord(b"key", bytes(500_000), {})).exception(PATIENCE), LogUnavailable
    )
    append(log, 1)
    log.check()


def test_a_closed_database_takes_nothing(log: EmbeddedLog, database: Database) -> None:
    database.close()
    with pytest.raises(LogUnavailable):
        log.append(record(1))
    with pytest.raises(LogUnavailable):
        log.ends()


@pytest.mark.skipif(
    sys.platform != "linux" or os.getuid() != 0 or shutil.which("mount") is None,
    reason="needs a root user on Linux who can mount a tiny disk",
)
def test_a_disk_that_fills_up_loses_nothing_and_room_mends_it(
    folder: Path, clock: ManualClock
) -> None:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this root user cannot mount")
    try:
        ballast = folder / "ballast"
        ballast.write_bytes(bytes(1024 * 1024))
        with closing(Database.open(folder, PARTITIONS)) as opened:
            log = EmbeddedLog(opened, clock)
            kept = append_until_refused(log)
            with pytest.raises(LogUnavailable, match="full"):
                log.check()
            ballast.unlink()
            log.check()
            kept.append(append(log, 1))
            stored = {(partition, offset) for partition, offset, _ in opened.read(rows)}
        assert stored == {(each.partition, each.offset) for each in kept}
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def append_until_refused(log: EmbeddedLog) -> list[Appended]:
    kept = []
    while True:
        try:
            kept.append(log.append(NewRecord(b"key", bytes(10_000), {})).result(PATIENCE))
        except LogUnavailable:
            return kept


STORM = """
import sys
from pathlib import Path
from angarium.clock import SystemClock
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog
from angarium.ports.message_log import NewRecord

log = EmbeddedLog(Database.open(Path(sys.argv[1]), 4), SystemClock())

def tell(number, future):
    appended = future.result()
    sys.stdout.write(f"{number} {appended.partition} {appended.offset}\\n")
    sys.stdout.flush()

number = int(sys.argv[2])
while True:
    futures = []
    for number in range(number, number + 16):
        future = log.append(NewRecord(b"key-%d" % (number % 7), b"value-%d" % number, {}))
        future.add_done_callback(lambda done, number=number: tell(number, done))
        futures.append(future)
    for future in futures:
        future.result()
    number += 1
"""


def storm(folder: Path, first: int, lines: int) -> dict[int, tuple[int, int]]:
    """Append until so many records are acknowledged, kill the process,
    and give what it acknowledged.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", STORM, str(folder), str(first)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [process.stdout.readline() for _ in range(lines)]
    process.kill()
    told += process.stdout.readlines()
    process.stdout.close()
    process.wait(PATIENCE)
    whole = [line.split() for line in told if line.endswith("\n")]
    return {int(number): (int(partition), int(offset)) for number, partition, offset in whole}


def test_what_was_acknowledged_survives_kill_9(folder: Path, clock: ManualClock) -> None:
    acknowledged: dict[int, tuple[int, int]] = {}
    for round_number in range(5):
        acknowledged |= storm(folder, round_number * 1_000_000, lines=40 + 37 * round_number)
    with closing(Database.open(folder, PARTITIONS)) as opened:
        stored = {(partition, offset): value for partition, offset, value in opened.read(rows)}
        log = EmbeddedLog(opened, clock)
        assert list(log.ends()) == [
            sum(1 for partition, _ in stored if partition == each) for each in range(PARTITIONS)
        ]
        append(log, 1)
    assert len(acknowledged) >= 500
    assert {number: stored[place] for number, place in acknowledged.items()} == {
        number: b"value-%d" % number for number in acknowledged
    }


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
