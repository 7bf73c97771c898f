"""`angarium chat` on a real pseudo-terminal."""

import codecs
import fcntl
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.unit.cli.chat.emulator import Emulator
from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault
from tests.unit.cli.own_terminal import environment_of, with_terminal
from tests.waiting import PATIENCE_S, until

CHAT = ["-m", "angarium", "chat", "bob"]
MUCH_BYTES = 32 * 1024
"""Half of what a pipe takes that nobody reads."""
LOOKS = 100

SHELL = """
import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
    os.execv(sys.executable, [sys.executable, "-m", "angarium", "chat", "bob"])
_, status = os.waitpid(child, os.WUNTRACED)
assert os.WIFSTOPPED(status)
os.write(int(sys.argv[1]), str(child).encode())
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""As much of a shell as job control needs: it tells the chat's process
id once the chat was stopped.
"""


class Terminal:
    """A terminal with one chat on it."""

    def __init__(
        self,
        environment: dict[str, str],
        command: Sequence[str] = CHAT,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.emulator = Emulator(60, 12)
        self._lock = threading.Lock()
        self._near, self._far = pty.openpty()
        self._resize(60, 12)
        self.before = self.modes()
        self.process = subprocess.Popen(
            with_terminal(command),
            pass_fds=pass_fds,
            stdin=self._far,
            stdout=self._far,
            stderr=self._far,
            env=environment_of({"TERM": "xterm", "NO_COLOR": "1", **environment}),
            start_new_session=True,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        decode = codecs.getincrementaldecoder("utf-8")().decode
        while True:
            try:
                data = os.read(self._near, 65_536)
            except OSError:
                return
            with self._lock:
                self.emulator.write(decode(data))

    def rows(self) -> list[str]:
        with self._lock:
            return self.emulator.everything()

    def press(self, text: str) -> None:
        os.write(self._near, text.encode())

    def shows(self, *rows: str) -> None:
        until(
            lambda: self.rows()[-len(rows) :] == list(rows), f"{rows} at the end of {self.rows()}"
        )

    def has_row(self, end: str) -> bool:
        return any(row.endswith(end) for row in self.rows())

    def unread(self) -> int:
        """Count the bytes that the next program would read."""
        (count,) = struct.unpack("i", fcntl.ioctl(self._far, termios.FIONREAD, b"\0" * 4))
        return int(count)

    def modes(self) -> list[object]:
        return list(termios.tcgetattr(self._far))

    def resize(self, columns: int, lines: int) -> None:
        with self._lock:
            self.emulator = Emulator(columns, lines)
        self._resize(columns, lines)

    def _resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._far, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def wait(self) -> int:
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._far)
        self._thread.join(PATIENCE_S)
        os.close(self._near)


@pytest.fixture
def terminal(alice: Shell) -> Iterator[Terminal]:
    terminal = Terminal(alice.environment)
    try:
        terminal.shows("talking with bob; Ctrl-D ends, /help helps", "alice>")
        yield terminal
    finally:
        terminal.close()


def test_two_people_talk(terminal: Terminal, server: FakeServer) -> None:
    terminal.press("hello 日本\r")
    until(lambda: server.service.messages, "the message")
    until(lambda: any(row.endswith("sent") for row in terminal.rows()), "its state")
    terminal.press("half a li")
    server.service.say("bob", "alice", "hi\x1b[2J")
    until(lambda: any(row.endswith("bob: hi\\x1b[2J") for row in terminal.rows()), "the answer")
    until(lambda: server.service.receipts, "the receipt")
    terminal.press("ne")
    until(lambda: terminal.rows()[-1] == "alice> half a line", "the line that is being typed")
    server.service.deliver([server.service.messages[0].message_id])
    until(lambda: any(row.endswith("delivered") for row in terminal.rows()), "the delivery")
    assert len([row for row in terminal.rows() if "hello 日本" in row]) == 1
    assert terminal.modes() != terminal.before
    terminal.press("\x15\x04")
    assert terminal.wait() == 0
    assert terminal.modes() == terminal.before
    assert "alice>" not in terminal.rows()[-1]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_the_terminal_is_as_before_after_a_signal(
    number: signal.Signals, status: int, terminal: Terminal
) -> None:
    terminal.process.send_signal(number)
    assert terminal.wait() == status
    assert terminal.modes() == terminal.before


def test_lines_typed_before_the_history_could_be_read_are_seen(
    alice: Shell, server: FakeServer
) -> None:
    server.faults.extend(Fault("/v1/conversations/", "drop") for _ in range(100))
    terminal = Terminal(alice.environment)
    try:
        until(
            lambda: any("connection lost, retrying…" in row for row in terminal.rows()),
            "the outage",
        )
        terminal.press("one\r")
        until(lambda: any(row.endswith("accepted") for row in terminal.rows()), "the line")
        server.service.say("bob", "alice", "hello")
        server.faults.clear()
        until(lambda: any(row.endswith("sent") for row in terminal.rows()), "its state")
        until(lambda: any(row.endswith("bob: hello") for row in terminal.rows()), "the history")
        assert len([row for row in terminal.rows() if "alice: one" in row]) == 1
    finally:
        terminal.close()


def test_ctrl_c_names_what_was_not_accepted(terminal: Terminal, server: FakeServer) -> None:
    server.stop()
    until(
        lambda: any("connection lost, retrying…" in row for row in terminal.rows()), "the outage"
    )
    terminal.press("one\rtwo\r")
    until(lambda: sum(row.endswith("sending") for row in terminal.rows()) == 2, "the lines")
    terminal.press("\x03")
    assert terminal.wait() == 130
    terminal.shows(
        "angarium: 2 lines were not accepted, as far as is known:",
        "angarium: not accepted: one",
        "angarium: not accepted: two",
    )
    server.start()


def test_lines_typed_during_an_outage_are_sent_afterwards(
    terminal: Terminal, server: FakeServer
) -> None:
    server.stop()
    until(
        lambda: any("connection lost, retrying…" in row for row in terminal.rows()), "the outage"
    )
    terminal.press("one\rtwo\r")
    server.start()
    until(lambda: sum(row.endswith(" sent") for row in terminal.rows()) == 2, "the states")
    assert [message.content for message in server.service.messages] == ["one", "two"]
    until(lambda: "back" in terminal.rows(), "the end of the outage")


def test_a_resized_terminal_is_drawn_anew(terminal: Terminal, server: FakeServer) -> None:
    terminal.press("hello\rhalf")
    until(lambda: any(row.endswith("sent") for row in terminal.rows()), "the state")
    terminal.resize(40, 8)
    terminal.process.send_signal(signal.SIGWINCH)
    until(lambda: terminal.rows()[-1:] == ["alice> half"], "the drawing")
    (row,) = (row for row in terminal.rows() if "hello" in row)
    assert len(row) == 39
    assert row.endswith("sent")


def test_a_suspended_chat_gives_the_terminal_back_and_goes_on(alice: Shell) -> None:
    reading, writing = os.pipe()
    terminal = Terminal(alice.environment, ["-c", SHELL, str(writing)], [writing])
    os.close(writing)
    try:
        terminal.shows("talking with bob; Ctrl-D ends, /help helps", "alice>")
        terminal.press("half\x1a")
        chat = int(os.read(reading, 20))
        assert terminal.modes() == terminal.before
        os.kill(chat, signal.SIGCONT)
        terminal.press(" a line")
        until(lambda: terminal.rows()[-1:] == ["alice> half a line"], "the line")
        assert terminal.modes() != terminal.before
        terminal.press("\x15\x04")
        assert terminal.wait() == 0
        assert terminal.modes() == terminal.before
    finally:
        terminal.close()
        os.close(reading)


def test_where_nobody_could_continue_it_a_chat_is_not_suspended(terminal: Terminal) -> None:
    terminal.press("half\x1a")
    terminal.press(" a line")
    until(lambda: terminal.rows()[-1:] == ["alice> half a line"], "the line")


def test_a_paste_of_several_lines_is_one_message(terminal: Terminal, server: FakeServer) -> None:
    terminal.press("\x1b[200~one\ntwo\rthree\x1b[201~")
    terminal.shows("alice> one", "       two", "       three")
    terminal.press("\r")
    until(lambda: terminal.has_row("sent"), "its state")
    assert [message.content for message in server.service.messages] == ["one\ntwo\nthree"]


def test_what_is_typed_before_the_prompt_is_sent_to_nobody(
    alice: Shell, server: FakeServer
) -> None:
    server.faults.extend(Fault("/v1/users", "drop") for _ in range(1000))
    terminal = Terminal(alice.environment)
    try:
        until(lambda: any("connecting to" in row for row in terminal.rows()), "the first word")
        terminal.press("rm nothing\r")
        server.faults.clear()
        terminal.shows("talking with bob; Ctrl-D ends, /help helps", "alice>")
        terminal.press("hello\r")
        until(lambda: terminal.has_row("sent"), "the state of what is typed afterwards")
        assert [message.content for message in server.service.messages] == ["hello"]
        terminal.press("\x04")
        assert terminal.wait() == 0
        assert terminal.unread() == 0
    finally:
        terminal.close()


def test_an_expired_login_is_renewed_in_place(terminal: Terminal, server: FakeServer) -> None:
    del server.tokens["token-of-alice"]
    until(lambda: terminal.has_row("password of alice:"), "the question")
    terminal.press("wrong\r")
    until(lambda: terminal.has_row("wrong password"), "the refusal")
    until(lambda: terminal.has_row("password of alice:"), "the question, once more")
    server.tokens["token-of-alice"] = "alice"
    terminal.press("alice-demo\r")
    until(lambda: terminal.has_row("alice is logged in again"), "the login")
    terminal.press("hello\r")
    until(lambda: terminal.has_row("sent"), "the state")
    assert not any("demo" in row for row in terminal.rows()), "a password is never shown"


def test_a_renewed_login_that_cannot_be_kept_is_good_for_the_chat(
    terminal: Terminal, server: FakeServer, alice: Shell
) -> None:
    folder = Path(alice.environment["XDG_CONFIG_HOME"]) / "angarium"
    shutil.rmtree(folder)
    folder.touch()
    del server.tokens["token-of-alice"]
    until(lambda: terminal.has_row("password of alice:"), "the question")
    server.tokens["token-of-alice"] = "alice"
    terminal.press("alice-demo\r")
    until(lambda: terminal.has_row("alice is logged in again"), "the login")
    assert any("is good for this chat only: cannot write" in row for row in terminal.rows())
    terminal.press("hello\r")
    until(lambda: terminal.has_row("sent"), "the state")


def test_ctrl_d_waits_for_unsent_lines_and_leaves_nothing_to_the_shell(
    terminal: Terminal, server: FakeServer
) -> None:
    server.stop()
    terminal.press("one\r")
    until(lambda: terminal.has_row("sending"), "the line")
    terminal.press("\x04")
    until(lambda: any("waiting" in row for row in terminal.rows()), "what it waits for")
    terminal.press("rm nothing\r")
    server.start()
    assert terminal.wait() == 0
    assert [message.content for message in server.service.messages] == ["one"]
    assert terminal.unread() == 0


def is_stuck(descriptor: int, seen: list[bytes]) -> bool:
    """Tell whether a pipe has much in it, and nothing more comes."""
    seen.append(fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))
    (waiting,) = struct.unpack("i", seen[-1])
    return bool(waiting > MUCH_BYTES) and len(set(seen[-LOOKS:])) == 1


def test_a_chat_whose_output_nobody_takes_ends_with_a_second_signal(
    alice: Shell, server: FakeServer
) -> None:
    for _ in range(12):
        server.service.say("bob", "alice", "x" * 10_000)
    with subprocess.Popen(
        [sys.executable, *CHAT, "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment_of(alice.environment),
    ) as process:
        assert process.stdout is not None
        out = process.stdout.fileno()
        seen: list[bytes] = []
        until(lambda: is_stuck(out, seen), "the pipe to be full")

        def is_ended() -> bool:
            process.send_signal(signal.SIGTERM)
            return process.poll() is not None

        try:
            until(is_ended, "the end")
        finally:
            process.kill()
        assert process.returncode == 128 + signal.SIGTERM
