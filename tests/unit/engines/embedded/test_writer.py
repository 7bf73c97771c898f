import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import closing
from pathlib import Path

import pytest

from angarium.deadline import within
from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.engines.embedded.connections import connect
from angarium.engines.embedded.writer import Writer
from tests.unit.engines.embedded.writer_harness import PATIENCE, WriterHarness


def cause_of(error: BaseException | None) -> BaseException | None:
    return None if error is None else error.__cause__


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[WriterHarness]:
    made = WriterHarness(tmp_path / "notes.db")
    yield made
    made.gate.opened.set()
    made.writer.close()


def test_what_queued_up_behind_a_commit_shares_the_next_one(harness: WriterHarness) -> None:
    harness.gate.shut()
    futures = [harness.notes.submit(number) for number in range(20)]
    harness.gate.opened.set()
    assert [future.result(PATIENCE) for future in futures] == [number * 10 for number in range(20)]
    assert harness.transactions == [list(range(20))]


def test_a_lone_job_waits_for_no_other(harness: WriterHarness) -> None:
    assert harness.notes.wait(3) == 30
    assert harness.kept() == [3]


def test_jobs_of_several_kinds_share_a_commit(harness: WriterHarness) -> None:
    def count(connection: sqlite3.Connection, items: Sequence[None]) -> list[int]:
        return [connection.execute("SELECT count(*) FROM notes").fetchone()[0] for _ in items]

    counts = harness.writer.register(count, LogUnavailable)
    harness.gate.shut()
    first = harness.notes.submit(1)
    counted = counts.submit(None)
    second = harness.notes.submit(2)
    harness.gate.opened.set()
    assert wait([first, counted, second], PATIENCE).not_done == set()
    assert counted.result() == 2


def test_a_faulty_job_harms_no_other(harness: WriterHarness) -> None:
    harness.gate.shut()
    futures = {number: harness.notes.submit(number) for number in (0, 1, 2, -1, 4, 5, 6)}
    harness.gate.opened.set()
    wait(futures.values(), PATIENCE)
    faulty = futures.pop(-1)
    assert {number: future.result() for number, future in futures.items()} == {
        number: number * 10 for number in futures
    }
    assert isinstance(faulty.exception(), StoreUnavailable)
    assert sorted(harness.kept()) == [0, 1, 2, 4, 5, 6]


@pytest.mark.parametrize("value", [2**70, "text", object(), "\ud800"])
def test_a_value_that_cannot_be_written_harms_no_other(
    harness: WriterHarness, value: object
) -> None:
    def add(connection: sqlite3.Connection, items: Sequence[object]) -> Sequence[object]:
        for item in items:
            connection.execute("INSERT INTO notes VALUES (?)", (item,))
        return items

    anything = harness.writer.register(add, LogUnavailable)
    harness.gate.shut()
    good = [harness.notes.submit(1), harness.notes.submit(2)]
    faulty = anything.submit(value)
    good.append(harness.notes.submit(3))
    harness.gate.opened.set()
    assert isinstance(faulty.exception(PATIENCE), LogUnavailable)
    wait(good, PATIENCE)
    assert sorted(harness.kept()) == [1, 2, 3]


def test_a_kind_that_gives_too_few_results_fails(harness: WriterHarness) -> None:
    def forget(connection: sqlite3.Connection, items: Sequence[int]) -> Sequence[int]:
        return harness.add(connection, items)[1:]

    forgetful = harness.writer.register(forget, LogUnavailable)
    assert isinstance(forgetful.submit(1).exception(PATIENCE), LogUnavailable)
    assert harness.notes.wait(2) == 20
    assert harness.kept() == [2]


def test_a_fault_after_the_commit_neither_repeats_it_nor_ends_the_writer(
    harness: WriterHarness,
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    unlucky = harness.writer.register(harness.add, LogUnavailable, fail)
    assert isinstance(unlucky.submit(1).exception(PATIENCE), LogUnavailable)
    assert harness.notes.wait(2) == 20
    assert harness.kept() == [1, 2]


def test_what_follows_a_commit_is_done_before_the_callers_are_told(harness: WriterHarness) -> None:
    told: list[str] = []
    kind = harness.writer.register(harness.add, LogUnavailable, lambda: told.append("committed"))
    harness.gate.shut()
    future = kind.submit(1)
    future.add_done_callback(lambda _: told.append("caller"))
    harness.gate.opened.set()
    future.result(PATIENCE)
    kind.wait(2)
    assert told == ["committed", "caller", "committed"]


def test_a_callback_that_raises_harms_nobody(
    harness: WriterHarness, caplog: pytest.LogCaptureFixture
) -> None:
    def raise_it(_: "Future[int]") -> None:
        raise ZeroDivisionError

    harness.gate.shut()
    futures = [harness.notes.submit(number) for number in range(3)]
    futures[0].add_done_callback(raise_it)
    harness.gate.opened.set()
    assert [future.result(PATIENCE) for future in futures] == [0, 10, 20]
    assert harness.notes.wait(4) == 40
    assert "ZeroDivisionError" in caplog.text


def test_in_an_outage_every_job_fails_with_its_own_error_from_sqlites(
    harness: WriterHarness,
) -> None:
    logged = harness.writer.register(harness.add, LogUnavailable)
    with closing(sqlite3.connect(harness.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        errors = [
            harness.notes.submit(1).exception(PATIENCE),
            logged.submit(2).exception(PATIENCE),
        ]
    assert [type(error) for error in errors] == [StoreUnavailable, LogUnavailable]
    assert all(isinstance(cause_of(error), sqlite3.OperationalError) for error in errors)
    assert harness.notes.wait(3) == 30
    assert harness.kept() == [3]


def test_a_full_disk_fails_every_job_and_room_mends_it(harness: WriterHarness) -> None:
    def limit(connection: sqlite3.Connection, pages: Sequence[int]) -> list[None]:
        for each in pages:
            connection.execute(f"PRAGMA max_page_count = {each}")
        return [None] * len(pages)

    def spread(connection: sqlite3.Connection, sizes: Sequence[int]) -> list[None]:
        connection.execute("CREATE TABLE IF NOT EXISTS blobs (bytes BLOB)")
        connection.executemany(
            "INSERT INTO blobs VALUES (zeroblob(?))", [(size,) for size in sizes]
        )
        return [None] * len(sizes)

    limits = harness.writer.register(limit, StoreUnavailable)
    blobs = harness.writer.register(spread, LogUnavailable)
    limits.wait(1)
    error = blobs.submit(1_000_000).exception(PATIENCE)
    assert isinstance(error, LogUnavailable)
    assert "full" in str(error)
    limits.wait(1_000_000)
    blobs.wait(1_000_000)


def test_a_connection_whose_file_failed_is_used_again(harness: WriterHarness) -> None:
    def fail(connection: sqlite3.Connection, items: Sequence[None]) -> Sequence[None]:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    broken = harness.writer.register(fail, LogUnavailable)
    assert harness.notes.wait(1) == 10
    assert isinstance(broken.submit(None).exception(PATIENCE), LogUnavailable)
    assert harness.notes.wait(2) == 20
    assert harness.kept() == [1, 2]


def test_a_full_queue_answers_at_once(tmp_path: Path) -> None:
    harness = WriterHarness(tmp_path / "notes.db", capacity=3)
    harness.gate.shut()
    taken = [harness.notes.submit(number) for number in range(3)]
    with pytest.raises(StoreUnavailable):
        harness.notes.submit(4)
    assert isinstance(harness.notes.offer(4).exception(0), StoreUnavailable)
    harness.gate.opened.set()
    assert [future.result(PATIENCE) for future in taken] == [0, 10, 20]
    assert harness.notes.wait(5) == 50
    harness.writer.close()


def test_a_writer_that_hangs_leaves_nobody_waiting(tmp_path: Path) -> None:
    harness = WriterHarness(tmp_path / "notes.db", timeout_s=0.05)
    hanging = harness.gate.shut()
    waiting = harness.notes.submit(1)
    assert isinstance(hanging.exception(PATIENCE), StoreUnavailable)
    assert isinstance(waiting.exception(PATIENCE), StoreUnavailable)
    harness.gate.opened.set()
    after = threading.Event()
    while not after.wait(0.01):
        if harness.notes.offer(2).exception(PATIENCE) is None:
            break
    assert 1 not in harness.kept()
    harness.writer.close()


def test_a_caller_waits_no_longer_than_its_deadline(harness: WriterHarness) -> None:
    harness.gate.shut()
    with within(0.01), pytest.raises(StoreUnavailable, match="did not confirm"):
        harness.notes.wait(1)


def test_without_time_left_nothing_is_written(harness: WriterHarness) -> None:
    with within(0), pytest.raises(StoreUnavailable, match="no time left"):
        harness.notes.wait(1)
    harness.notes.wait(2)
    assert harness.kept() == [2]


def test_a_caller_that_turned_away_harms_nobody(harness: WriterHarness) -> None:
    harness.gate.shut()
    futures = [harness.notes.submit(number) for number in range(3)]
    assert futures[1].cancel()
    harness.gate.opened.set()
    assert futures[2].result(PATIENCE) == 20
    assert futures[0].result(PATIENCE) == 0


def test_a_caller_that_turned_away_harms_nobody_in_an_outage_either(
    harness: WriterHarness,
) -> None:
    harness.gate.shut()
    futures = [harness.notes.submit(number) for number in range(3)]
    assert futures[1].cancel()
    failing = harness.deferrable.submit(-1)
    assert failing.cancel()
    with closing(sqlite3.connect(harness.path, isolation_level=None)) as other:
        harness.gate.opened.set()
        futures[2].exception(PATIENCE)
        other.execute("BEGIN IMMEDIATE")
        unlucky = [harness.notes.submit(number) for number in range(3)]
        unlucky[0].cancel()
        assert isinstance(unlucky[2].exception(PATIENCE), StoreUnavailable)
    assert harness.notes.wait(4) == 40


def test_closing_writes_what_waits(harness: WriterHarness) -> None:
    harness.gate.shut()
    futures = [harness.notes.submit(number) for number in range(5)]
    closer = threading.Thread(target=harness.writer.close)
    closer.start()
    harness.gate.opened.set()
    closer.join(PATIENCE)
    assert [future.result(0) for future in futures] == [0, 10, 20, 30, 40]
    with pytest.raises(StoreUnavailable):
        harness.notes.submit(6)
    assert harness.kept() == [0, 1, 2, 3, 4]


def test_an_outage_is_logged_once_and_so_is_its_end(
    harness: WriterHarness, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "angarium")
    with closing(sqlite3.connect(harness.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(3):
            harness.notes.submit(number).exception(PATIENCE)
    harness.notes.wait(4)
    harness.notes.wait(5)
    actions = [getattr(record, "action", "") for record in caplog.records]
    assert actions == ["database_unavailable", "database_recovered"]


def test_a_patient_job_shares_the_commit_of_the_next_one(tmp_path: Path) -> None:
    harness = WriterHarness(tmp_path / "notes.db", linger_s=3600)
    deferrable = harness.deferrable.submit(1)
    for _ in range(20):
        assert harness.kept() == []
    assert harness.notes.wait(2) == 20
    assert deferrable.result(0) == 10
    assert harness.commits() == 1
    harness.writer.close()


def test_a_patient_job_does_not_wait_for_ever(harness: WriterHarness) -> None:
    assert harness.deferrable.submit(1).result(PATIENCE) == 10


def test_many_patient_jobs_wait_for_nobody(tmp_path: Path) -> None:
    harness = WriterHarness(tmp_path / "notes.db", linger_s=3600)
    futures = [harness.deferrable.submit(number) for number in range(32)]
    assert [future.result(PATIENCE) for future in futures] == [number * 10 for number in range(32)]
    harness.writer.close()


def test_commits_keep_their_distance_and_share_more(tmp_path: Path) -> None:
    harness = WriterHarness(tmp_path / "notes.db", spacing_s=3600)
    assert harness.notes.submit(1).result(PATIENCE) == 10
    first = harness.notes.submit(2)
    for _ in range(20):
        assert harness.kept() == [1]
    second = harness.notes.submit(3)
    harness.writer.close()
    assert [first.result(0), second.result(0)] == [20, 30]
    assert harness.transactions == [[1], [2, 3]]


def test_a_writer_without_a_break_leaves_room_for_another_process(tmp_path: Path) -> None:
    harness = WriterHarness(tmp_path / "notes.db")
    neighbour = Writer(connect(harness.path, 1.0), busy_s=PATIENCE)
    done = threading.Event()

    def without_a_break(future: "Future[int] | None" = None) -> None:
        if not done.is_set():
            harness.notes.submit(1).add_done_callback(without_a_break)

    for _ in range(4):
        without_a_break()
    kind = neighbour.register(harness.add, StoreUnavailable)
    assert [kind.wait(number) for number in range(10)] == [number * 10 for number in range(10)]
    done.set()
    neighbour.close()
    harness.writer.close()
