"""Clients that do what anybody may, and make a server hold as much as
it lets itself be made to.

Each is bounded in count, and talks to a service of the test's own on
loopback. They are also what `python -m bench --only attack_memory`
runs.
"""

import json
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from tests.acceptance.caller import Answer, Caller
from tests.acceptance.service import until

MAX_BYTES = 10_240
CONTROL = "\x01" * MAX_BYTES
"""The text that takes the most bytes in JSON, six for each of its
own.
"""

Statuses = Counter[int]
"""How often each status came; 0 stands for a connection that was closed
without an answer.
"""

_SECONDS = 30.0


def peak_mib(process_id: int) -> float:
    """Tell the most resident memory that a process has ever had; Linux
    only.
    """
    status = Path(f"/proc/{process_id}/status").read_text()
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


class Target:
    """A running service with a conversation of a hundred of the worst
    messages.
    """

    def __init__(self, port: int, token: str, conversation: str) -> None:
        self.port = port
        self.token = token
        self.conversation = conversation

    @classmethod
    def prepare(
        cls, port: int, one: str = "alice", other: str = "bob", password: str = ""
    ) -> "Target":
        """Log in and fill the conversation, and wait until it is
        stored.
        """
        with closing(Caller(f"http://127.0.0.1:{port}")) as sender:
            sender.log_in(one, password)
            target = cls(port, sender.token, sender.open_conversation(other))
            sent = [sender.send(target.conversation, CONTROL) for _ in range(100)]
            assert {each.status for each in sent} == {202}
            target.await_stored(sender, sent[-1])
        return target

    def await_stored(self, caller: Caller, sent: Answer) -> None:
        """Wait until a message is stored; of one conversation, the last
        one is stored last.
        """
        until(
            lambda: caller.call("GET", sent.headers["location"]).status == 200,
            "the last message is stored",
        )

    def seen_by(self, username: str, password: str = "") -> "Target":
        """Give the same conversation as its other user reads it."""
        with closing(Caller(f"http://127.0.0.1:{self.port}")) as other:
            return Target(self.port, other.log_in(username, password).token, self.conversation)

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        """Open a connection, with a small window where one is
        wanted.
        """
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(_SECONDS)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def request(self, method: str, path: str, body: Mapping[str, object] | None = None) -> bytes:
        """Write a whole request of alice's."""
        data = b"" if body is None else json.dumps(body).encode()
        line = f"{method} {path} HTTP/1.1\r\n"
        head = f"{line}Host: localhost\r\nAuthorization: Bearer {self.token}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        return f"{head}\r\n".encode() + data

    @property
    def page(self) -> bytes:
        """The request for as large a page as there is."""
        return self.request("GET", f"/v1/conversations/{self.conversation}/messages?limit=100")


def read_answer(connection: socket.socket) -> int:
    """Read an answer off and forget it; give its status, 0 where there
    is none.
    """
    head = b""
    try:
        while b"\r\n\r\n" not in head:
            if not (data := connection.recv(4096)):
                return 0
            head += data
        lines, _, rest = head.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", lines)
        left = int(length[1]) - len(rest) if length else 0
        while left > 0:
            if not (data := connection.recv(min(left, 1 << 20))):
                return 0
            left -= len(data)
        return int(lines.split()[1])
    except OSError:
        return 0


def side_by_side(count: int, each: Callable[[int], Statuses]) -> Statuses:
    """Let so many clients go on at once, and add up what they were
    answered.
    """
    with ThreadPoolExecutor(count) as threads:
        return sum(threads.map(each, range(count)), Counter())


def read_pages(target: Target, readers: int, rounds: int) -> Statuses:
    """Read the page with many clients at once, promptly."""

    def read(_: int) -> Statuses:
        with closing(target.connect()) as connection:
            found: Statuses = Counter()
            for _ in range(rounds):
                with suppress(OSError):
                    connection.sendall(target.page)
                found[read_answer(connection)] += 1
            return found

    return side_by_side(readers, read)


@contextmanager
def reading_nothing(target: Target, readers: int) -> Iterator[None]:
    """Ask for many pages on each of many connections, and take none of
    them.
    """
    with ExitStack() as stack:
        for _ in range(readers):
            connection = stack.enter_context(closing(target.connect(receive_buffer=2_048)))
            with suppress(OSError):
                connection.sendall(target.page * 20)
        yield


def send_largest(target: Target, senders: int, rounds: int) -> Statuses:
    """Send the largest messages with many clients at once."""
    message = target.request(
        "POST", "/v1/messages", {"conversation_id": target.conversation, "content": CONTROL}
    )

    def send(_: int) -> Statuses:
        found: Statuses = Counter()
        with closing(target.connect()) as connection:
            for _ in range(rounds):
                with suppress(OSError):
                    connection.sendall(message)
                status = read_answer(connection)
                found[status] += 1
                if not status:
                    break
        return found

    return side_by_side(senders, send)


@contextmanager
def sending_halves(target: Target, clients: int) -> Iterator[None]:
    """Send almost all of a large body on each of many connections,
    without a login.
    """
    head = b"POST /auth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65000\r\n\r\n"
    with ExitStack() as stack:
        for _ in range(clients):
            connection = stack.enter_context(closing(target.connect()))
            with suppress(OSError):
                connection.sendall(head + b"x" * 64_000)
        yield


def log_in_wrongly(target: Target, clients: int) -> Statuses:
    """Log in with wrong passwords of the largest size, all at once."""

    def log_in(number: int) -> Statuses:
        body = {"username": f"nobody-{number}", "password": "p" * 1_000, "more": "x" * 60_000}
        with closing(target.connect()) as connection:
            with suppress(OSError):
                connection.sendall(target.request("POST", "/auth/token", body))
            return Counter([read_answer(connection)])

    return side_by_side(clients, log_in)
