"""A data folder that is moved, removed or replaced while it is
served.
"""

import contextlib
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from angarium.domain.errors import LogUnavailable, StoreUnavailable
from angarium.engines.embedded.consumer import EmbeddedConsumer
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog
from angarium.ports.message_log import NewRecord
from tests.acceptance.service import until
from tests.fakes.clock import ManualClock
from tests.unit.engines.embedded.files import PARTITIONS, filled, names, put_user

PATIENCE = 30.0
FILES = ("angarium.db", "angarium.db-wal", "angarium.db-shm")


def actions(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [getattr(record, "action", "") for record in caplog.records]
    return [action for action in found if action.startswith("data_folder")]


def remove(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def replace_with_nothing(path: Path) -> None:
    remove(path)
    if path.with_name("elsewhere").is_dir():
        path.mkdir()
    else:
        path.touch()


def replace_with_a_copy(path: Path) -> None:
    remove(path)
    elsewhere = path.with_name("elsewhere")
    (shutil.copytree if elsewhere.is_dir() else shutil.copy)(elsewhere, path)


def put_back(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.with_name("elsewhere").replace(path)


@pytest.mark.parametrize("harm", [remove, replace_with_nothing, replace_with_a_copy])
@pytest.mark.parametrize("name", ["", *FILES])
def test_nothing_is_served_from_a_file_that_nobody_will_find(
    folder: Path, harm: Callable[[Path], None], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path = folder / name
    with closing(Database.open(folder, PARTITIONS)) as opened:
        put_user(opened, "before")
        assert opened.read(names) == ["before"]
        harm(path)
        with pytest.raises(StoreUnavailable, match=str(path)):
            put_user(opened, "meanwhile")
        with pytest.raises(StoreUnavailable, match=str(path)):
            opened.read(names)
        put_back(path)
        put_user(opened, "after")
        assert opened.read(names) == ["after", "before"]
    assert actions(caplog) == ["data_folder_lost", "data_folder_found"]
    (lost,) = [
        record for record in caplog.records if getattr(record, "action", "") == "data_folder_lost"
    ]
    assert lost.levelname == "ERROR"
    assert str(path) in lost.getMessage()
    with closing(Database.open(folder, PARTITIONS)) as opened:
        assert opened.read(names) == ["after", "before"]


def test_a_loss_is_told_although_nobody_asks(
    database: Database, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    remove(folder)
    until(lambda: actions(caplog) == ["data_folder_lost"], "the line about it", PATIENCE)
    put_back(folder)


def test_nothing_is_written_into_a_folder_that_is_lost(database: Database, folder: Path) -> None:
    remove(folder)
    with pytest.raises(StoreUnavailable):
        put_user(database, "alice")
    put_back(folder)
    assert database.read(names) == []


def test_what_was_committed_into_a_file_that_moved_meanwhile_is_not_confirmed(
    database: Database, folder: Path
) -> None:
    def run(connection: sqlite3.Connection, items: Sequence[None]) -> Sequence[None]:
        connection.execute("INSERT INTO users VALUES ('1', 'alice', 'hash', 1)")
        remove(folder)
        return items

    with pytest.raises(StoreUnavailable, match="moved or removed"):
        database.register(run).wait(None)
    put_back(folder)
    assert database.read(names) == ["alice"]


def test_no_connection_is_opened_after_the_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is opened while a folder is put back may take one file
    from each of two.
    """
    opened: list[object] = []

    def connect(*arguments: object, **options: object) -> None:
        opened.append(arguments)
        raise sqlite3.OperationalError

    def hold(connection: sqlite3.Connection) -> list[str]:
        meeting.wait(PATIENCE)
        return names(connection)

    meeting = threading.Barrier(8)
    with (
        closing(Database.open(folder, PARTITIONS, readers=8)) as database,
        ThreadPoolExecutor(8) as pool,
    ):
        monkeypatch.setattr(sqlite3, "connect", connect)
        put_user(database, "alice")
        reads = [pool.submit(database.read, hold) for _ in range(8)]
        assert [each.result(PATIENCE) for each in reads] == [["alice"]] * 8
        for _ in range(10):
            with pytest.raises(StoreUnavailable):
                database.read(lambda connection: connection.execute("SELECT * FROM nowhere"))
            with pytest.raises(StoreUnavailable):
                database.register(fail_with_a_broken_disk).wait(None)
        put_user(database, "bob")
        assert database.read(names) == ["alice", "bob"]
        monkeypatch.undo()
    assert opened == []


def fail_with_a_broken_disk(
    connection: sqlite3.Connection, items: Sequence[None]
) -> Sequence[None]:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    raise error


def test_the_worker_passes_over_no_record_that_it_does_not_see(
    database: Database, clock: ManualClock
) -> None:
    log = EmbeddedLog(database, clock)
    consumer = EmbeddedConsumer(database, log, "router")
    consumer.poll(0)
    place = log.append(NewRecord(b"key", b"value", {"schema": "1"})).result(PATIENCE)

    def hide(connection: sqlite3.Connection, items: Sequence[int]) -> Sequence[None]:
        connection.execute("UPDATE log SET offset = offset + ?", items)
        return [None]

    hiding = database.register(hide)
    hiding.wait(1000)
    with pytest.raises(
        LogUnavailable, match=f"partition {place.partition} lacks 1 of the records 0 to 0"
    ):
        consumer.poll(0)
    hiding.wait(-1000)
    (records,) = consumer.poll(0).records.values()
    assert [record.offset for record in records] == [place.offset]


class BusyLog:
    """A log, its worker and readers that go on, whatever happens to
    their folder.
    """

    def __init__(self, opened: Database, clock: ManualClock) -> None:
        self.seen: set[tuple[int, int]] = set()
        self.accepted: set[tuple[int, int]] = set()
        self._opened = opened
        self._log = EmbeddedLog(opened, clock)
        self._consumer = EmbeddedConsumer(opened, self._log, "router")
        self._done = threading.Event()

    def append(self, number: int) -> None:
        with contextlib.suppress(LogUnavailable):
            place = self._log.append(NewRecord(b"%d" % number, b"", {"schema": "1"})).result(
                PATIENCE
            )
            self.accepted.add((place.partition, place.offset))

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        with ThreadPoolExecutor(3) as pool:
            threads = [pool.submit(work) for work in (self._consume, self._read, self._read)]
            try:
                yield
                until(lambda: self.accepted <= self.seen, "every accepted record", PATIENCE)
            finally:
                self._done.set()
            for thread in threads:
                thread.result(PATIENCE)

    def _consume(self) -> None:
        while not self._done.is_set():
            with contextlib.suppress(LogUnavailable):
                for records in self._consumer.poll(0.01).records.values():
                    self.seen.update((each.partition, each.offset) for each in records)

    def _read(self) -> None:
        while not self._done.is_set():
            with contextlib.suppress(StoreUnavailable):
                assert self._opened.read(names) == []
                self._opened.read(lambda connection: connection.execute("SELECT * FROM nowhere"))


def test_replacing_a_folder_again_and_again_loses_no_accepted_record(
    folder: Path, clock: ManualClock
) -> None:
    kept, other = folder.with_name("kept"), folder.with_name("other")
    filled(other)
    with closing(Database.open(folder, PARTITIONS)) as opened:
        log = BusyLog(opened, clock)
        with log.busy():
            for number in range(300):
                log.append(number)
                if number % 6 == 3:
                    folder.rename(kept)
                    other.rename(folder)
                    log.append(number)
                    folder.rename(other)
                    kept.rename(folder)
        assert log.accepted
    with closing(Database.open(other, PARTITIONS)) as opened:
        assert opened.read(names) == ["user0"]
        assert (
            opened.read(lambda connection: connection.execute("SELECT * FROM log").fetchall())
            == []
        )
