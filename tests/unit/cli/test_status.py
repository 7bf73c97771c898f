"""`angarium status`: its table, its JSON, and its screen."""

import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from angarium.cli.console import Console
from angarium.cli.status_report import StatusReport
from angarium.cli.status_screen import HOME, Snapshots, StatusScreen
from angarium.clock import SystemClock
from angarium.engines.embedded.data_folder import DataFolderLock
from angarium.engines.embedded.database import Database
from angarium.engines.embedded.log import EmbeddedLog
from angarium.ports.log_inspection import GroupMember, OffsetRange
from angarium.ports.message_log import NewRecord, Position
from angarium.ports.store_inspection import StoreNode
from angarium.services.status import LogStatus, PartitionStatus, Status, StoreStatus
from tests.unit.cli.chat.emulator import Emulator
from tests.unit.cli.conftest import Shell
from tests.unit.cli.own_terminal import environment_of, with_terminal

PATIENCE_S = 60.0

TWO_NODES = StoreStatus(True, (StoreNode("172.19.0.2", True), StoreNode("::1", False)), None)
BUSY = Status(
    LogStatus(
        (
            PartitionStatus(0, OffsetRange(3, 815), Position(813, 1_795_839_573_541), "worker-3"),
            PartitionStatus(1, OffsetRange(0, 2), None, None),
        ),
        (GroupMember("worker-3", (0,)),),
    ),
    7,
    TWO_NODES,
    (),
)
NOTHING = Status(None, None, StoreStatus(False, (), None), ("no broker \x1b[2J", "no node"))


def lines(status: Status) -> list[str]:
    return [line.text for line in StatusReport(status).lines()]


def test_the_table_shows_partitions_then_sums_then_the_store() -> None:
    assert lines(BUSY) == [
        "partition  first  end  committed  lag  watermark                 owner",
        "        0      3  815        813    2  2026-11-28T04:19:33.541Z  worker-3",
        "        1      0    2          -    2  -                         -",
        "log        814 records, lag 4, dead letters 7",
        "members    worker-3 (1)",
        "store      ok; 172.19.0.2 up, ::1 down",
    ]


def test_the_json_has_the_fields_that_programs_rely_on() -> None:
    text = StatusReport(BUSY).json()
    assert "\n" not in text
    assert json.loads(text) == {
        "partitions": [
            {
                "partition": 0,
                "first": 3,
                "end": 815,
                "committed": 813,
                "lag": 2,
                "watermark": "2026-11-28T04:19:33.541Z",
                "owner": "worker-3",
            },
            {
                "partition": 1,
                "first": 0,
                "end": 2,
                "committed": None,
                "lag": 2,
                "watermark": None,
                "owner": None,
            },
        ],
        "records": 814,
        "lag": 4,
        "dead_letters": 7,
        "members": [{"instance": "worker-3", "partitions": [0]}],
        "store": {
            "status": "ok",
            "nodes": [
                {"address": "172.19.0.2", "status": "up"},
                {"address": "::1", "status": "down"},
            ],
        },
    }


def test_what_does_not_answer_is_named_and_null() -> None:
    assert lines(NOTHING) == ["log        unavailable", "store      unavailable"]
    assert json.loads(StatusReport(NOTHING).json()) == {
        "partitions": [],
        "records": None,
        "lag": None,
        "dead_letters": None,
        "members": [],
        "store": {"status": "unavailable", "nodes": []},
    }


def test_names_from_others_cannot_change_a_terminal() -> None:
    assert BUSY.log is not None
    partition = replace(BUSY.log.partitions[0], owner="evil\x1b[2J\u202e")
    log = LogStatus((partition,), (GroupMember("evil\x1b[2J\u202e", (0,)),))
    status = replace(NOTHING, log=log)
    shown = [*lines(status), *(line.text for line in StatusReport(status).problems())]
    assert all(text.isascii() and text.isprintable() for text in shown)


@pytest.mark.parametrize(
    ("size_bytes", "words"), [(0, "0 KiB"), (70_000, "68 KiB"), (3_500_000_000, "3,337.9 MiB")]
)
def test_a_file_s_size_is_said_in_a_unit_that_suits_it(size_bytes: int, words: str) -> None:
    status = replace(BUSY, store=StoreStatus(True, (), size_bytes))
    assert lines(status)[-1] == f"store      ok; {words}"
    assert json.loads(StatusReport(status).json())["store"] == {
        "status": "ok",
        "nodes": [],
        "size_bytes": size_bytes,
    }


@pytest.mark.parametrize("room", range(12))
def test_a_low_screen_shows_the_sums_and_says_what_it_leaves_out(room: int) -> None:
    log = LogStatus(
        tuple(PartitionStatus(at, OffsetRange(0, 1), None, None) for at in range(7)), ()
    )
    shown = [line.text for line in StatusReport(replace(BUSY, log=log)).screen_lines(room)]
    assert min(room, 4) <= len(shown) <= room
    assert (
        shown[:3]
        == [
            "log        7 records, lag 7, dead letters 7",
            "members    none: no worker runs",
            "store      ok; 172.19.0.2 up, ::1 down",
        ][:room]
    )
    if room > 3:
        partitions = [text for text in shown[3:] if text.strip()[0].isdigit()]
        left_out = 7 - len(partitions)
        said = f"and {left_out} {'more ' if partitions else ''}partitions, lag {left_out}"
        assert (said in shown) == (left_out > 0)


class Terminal:
    """A pseudo-terminal with an emulator behind it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.near, self.far = pty.openpty()
        self.emulator = Emulator(columns, rows)
        self.resize(columns, rows)
        self.stdout = os.fdopen(self.far, "w", encoding="utf-8")
        environment = {"TERM": "xterm", "NO_COLOR": "1"}
        self.console = Console(io.StringIO(), self.stdout, io.StringIO(), environment)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.near, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def receive(self) -> str:
        """Take in what was written until now."""
        self.console.stdout.write("\x1b[m")
        self.console.stdout.flush()
        received = ""
        while not received.endswith("\x1b[m"):
            received += os.read(self.near, 65_536).decode()
        self.emulator.write(received)
        return received


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal(60, 12)
    yield terminal
    terminal.stdout.close()
    os.close(terminal.near)


def test_a_screen_is_drawn_over_the_one_before_without_clearing_it_first(
    terminal: Terminal,
) -> None:
    terminal.stdout.write("what was there before\n")
    screen = StatusScreen(terminal.console)
    screen.show(StatusReport(BUSY))
    assert "\x1b[2J" not in terminal.receive()
    assert "what was there before" in terminal.emulator.gone
    assert terminal.emulator.shown()[1:] == [
        "log        814 records, lag 4, dead letters 7",
        "members    worker-3 (1)",
        "store      ok; 172.19.0.2 up, ::1 down",
        "partition  first  end  committed  lag  watermark",
        "        0      3  815        813    2  2026-11-28T04:19:33.",
        "        1      0    2          -    2  -",
    ]
    gone = len(terminal.emulator.gone)
    screen.show(StatusReport(NOTHING))
    assert "\x1b[2J" not in terminal.receive()
    assert terminal.emulator.shown()[1:] == [
        "log        unavailable",
        "store      unavailable",
        "problem    no broker \\x1b[2J",
        "problem    no node",
    ]
    assert (len(terminal.emulator.gone), terminal.emulator.wrapped) == (gone, 0)
    screen.close()


@pytest.mark.parametrize(("columns", "rows"), [(20, 5), (3, 2), (1, 1), (200, 60)])
def test_a_terminal_of_another_size_is_drawn_anew_at_once(
    terminal: Terminal, columns: int, rows: int
) -> None:
    screen = StatusScreen(terminal.console)
    screen.show(StatusReport(BUSY))
    terminal.receive()
    terminal.emulator = Emulator(columns, rows)
    terminal.resize(columns, rows)
    waited: list[float] = []
    screen.wait(0.25, waited.append)
    assert terminal.receive().count(HOME) == 1
    assert terminal.emulator.gone == []
    assert terminal.emulator.wrapped == 0
    assert len(terminal.emulator.shown()) <= rows
    assert max(waited) <= 0.1


def test_a_terminal_without_a_size_has_the_usual_one(terminal: Terminal) -> None:
    terminal.resize(0, 0)
    terminal.emulator = Emulator(80, 24)
    StatusScreen(terminal.console).show(StatusReport(BUSY))
    terminal.receive()
    assert "members    worker-3 (1)" in terminal.emulator.shown()


def test_in_a_pipe_one_snapshot_follows_the_other() -> None:
    console = Console(io.StringIO(), io.StringIO(), io.StringIO(), {})
    view = Snapshots(console)
    view.show(StatusReport(BUSY))
    view.show(StatusReport(NOTHING))
    assert isinstance(console.stdout, io.StringIO)
    first, second, after = console.stdout.getvalue().split("\n\n")
    assert first.splitlines()[1:] == lines(BUSY)
    assert second.splitlines()[1:] == [
        *lines(NOTHING),
        "problem    no broker \\x1b[2J",
        "problem    no node",
    ]
    assert after == ""


@pytest.fixture
def database(database: Database) -> Database:
    EmbeddedLog(database, SystemClock()).append(NewRecord(b"key", b"value", {})).result(30.0)
    return database


def test_the_embedded_engine_is_shown_with_and_without_a_worker(
    shell: Shell, database: Database
) -> None:
    assert shell.run("status", "--json") == 0
    found = json.loads(shell.out)
    assert (found["records"], found["lag"], found["members"]) == (1, 1, [])
    assert found["store"]["size_bytes"] > 0
    with DataFolderLock(database.path.parent, "vm-17"):
        assert shell.run("status") == 0
    assert "members    vm-17 (12)\n" in shell.out
    assert "log        1 record, lag 1, dead letters 0\n" in shell.out
    assert shell.err == ""


def test_a_log_that_cannot_be_read_ends_with_1_and_shows_the_rest(
    shell: Shell, database: Database
) -> None:
    lock = database.path.parent / "lock"
    lock.symlink_to("/nowhere")
    assert shell.run("status") == 1
    assert "log        unavailable\n" in shell.out
    assert "store      ok; " in shell.out
    (told,) = shell.err.splitlines()
    assert told.startswith("angarium: the lock cannot be looked at")


def test_a_folder_without_data_is_not_made(shell: Shell) -> None:
    assert shell.run("status") == 1
    assert "there is no data in" in shell.err
    assert not Path(shell.environment["ANGARIUM_DATA"]).exists()


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_ctrl_c_is_the_usual_end_of_a_watch(
    shell: Shell, database: Database, arguments: tuple[str, ...]
) -> None:
    near, far = pty.openpty()
    process = subprocess.Popen(
        with_terminal(["-m", "angarium", "status", "--watch", *arguments]),
        stdin=far,
        stdout=far,
        stderr=far,
        env=environment_of({"TERM": "xterm", **shell.environment}),
        start_new_session=True,
    )
    os.close(far)
    received: list[str] = []

    def receive() -> None:
        while True:
            try:
                received.append(os.read(near, 65_536).decode())
            except OSError:
                return

    receiving = threading.Thread(target=receive, daemon=True)
    receiving.start()
    give_up = threading.Event()
    once_more = '"records": 1' if arguments else "1 record,"
    for _ in range(int(PATIENCE_S / 0.05)):
        if "".join(received).count(once_more) >= 2:
            break
        give_up.wait(0.05)
    os.write(near, b"\x03")
    assert process.wait(PATIENCE_S) == 0
    receiving.join(PATIENCE_S)
    os.close(near)
    shown = "".join(received)
    assert shown.count(once_more) >= 2
    assert "Traceback" not in shown
    if arguments:
        rows = [row for row in shown.replace("\r", "").split("\n") if row.startswith("{")]
        assert all(json.loads(row)["records"] == 1 for row in rows)


def test_a_reader_that_goes_away_ends_a_watch(shell: Shell, database: Database) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "angarium", "status", "--watch"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment_of(dict(shell.environment)),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    head = [process.stdout.readline() for _ in range(3)]
    process.stdout.close()
    assert head[1].startswith("partition ")
    assert process.wait(PATIENCE_S) == 141
    assert process.stderr.read() == ""
    process.stderr.close()
