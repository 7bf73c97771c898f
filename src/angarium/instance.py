"""The name of this process, which people find elsewhere too.

It is in log lines, in the records that an API appends, and in the
description of the workers' group.

A container's host name is its id, unless somebody has chosen another.
`docker compose ps` shows the container's name instead, and Docker's own
name server knows it by the container's address.
"""

import os
import re
import secrets
import socket
import struct
from collections.abc import Callable, Iterator

_DOCKERS_NAME_SERVER = ("127.0.0.11", 53)
"""Where it is in every network that somebody has made; Docker's default
network has none.
"""

LOOK_UP_S = 1.0
"""Maximum wait for it: it answers from memory."""

MAX_LENGTH = 100
"""Maximum characters of a name and its number: all records have it."""

_CONTAINER_ID = re.compile(r"[0-9a-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")

_HEADER = struct.Struct(">HHHHHH")
_QUESTION_TAIL = struct.Struct(">HH")
_ANSWER = struct.Struct(">HHIH")
_POINTER = 0xC0
_RECURSION_DESIRED, _PTR, _INTERNET = 0x0100, 12, 1
_MAX_STEPS = 128
"""Maximum labels and pointers of one name."""


def process_name(host: str | None = None, pid: int | None = None) -> str:
    """Name this process by its machine and its number.

    Args:
        host: The machine; its own name when None.
        pid: The process id; its own when None.

    Returns:
        The name. The only service of a container is process 1, and
        needs no number.
    """
    host = os.uname().nodename if host is None else host
    pid = os.getpid() if pid is None else pid
    number = "" if pid == 1 else f"-{pid}"
    return host[: MAX_LENGTH - len(number)] + number


def instance_name(
    host: str | None = None,
    pid: int | None = None,
    ask: Callable[[str], str | None] | None = None,
) -> str:
    """Name this process as `docker compose ps` does, where it can.

    It takes LOOK_UP_S at most, in a container, and no time
    elsewhere.

    Args:
        host: The machine; its own name when None.
        pid: The process id; its own when None.
        ask: Returns the full name of the container with a host name;
            None asks Docker's name server.

    Returns:
        Service and number, such as `worker-3`; without a name of the
        container that of the process.
    """
    host = os.uname().nodename if host is None else host
    found = (ask or _ask_docker)(host) if _CONTAINER_ID.fullmatch(host) else None
    return process_name(_within_project(found) if found else host, pid)


def _within_project(full_name: str) -> str:
    """Return a container's name without that of its Compose project.

    Docker's answer is the container's name, a dot, and the name of its
    network. Compose begins both with the project's name.
    """
    container, _, network = full_name.rpartition(".")
    for found in re.finditer(r"[-_]", container):
        if network.startswith(f"{container[: found.start()]}_"):
            return container[found.end() :]
    return container or network


def _ask_docker(host: str) -> str | None:
    """Ask Docker's name server for the name at our own address."""
    try:
        address = socket.gethostbyname(host)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(LOOK_UP_S)
            asking.connect(_DOCKERS_NAME_SERVER)
            return ask_name_server(asking, address)
    except OSError:
        return None


def ask_name_server(asking: socket.socket, address: str) -> str | None:
    """Ask a name server which name an address has (RFC 1035).

    The system's own look-up would find the host name in `/etc/hosts`.

    Args:
        asking: A connected UDP socket with a time limit.
        address: An IPv4 address.

    Returns:
        The name; None if the answer has none, or makes no sense.

    Raises:
        OSError: There was no answer.
    """
    number = secrets.randbits(16)
    labels = [*reversed(address.split(".")), "in-addr", "arpa"]
    question = b"".join(bytes([len(label)]) + label.encode() for label in labels)
    asking.send(
        _HEADER.pack(number, _RECURSION_DESIRED, 1, 0, 0, 0)
        + question
        + b"\0"
        + _QUESTION_TAIL.pack(_PTR, _INTERNET)
    )
    answer = asking.recv(4096)
    try:
        names = list(_names(answer, number))
    except (IndexError, ValueError, struct.error):
        return None
    return next((name for name in names if _NAME.fullmatch(name)), None)


def _names(answer: bytes, number: int) -> Iterator[str]:
    """Yield the names that the answer to our question holds."""
    answered, _, questions, answers, _, _ = _HEADER.unpack_from(answer)
    if answered != number:
        raise ValueError("the answer is to another question")
    at = _HEADER.size
    for _ in range(questions):
        _, at = _read_name(answer, at)
        at += _QUESTION_TAIL.size
    for _ in range(answers):
        _, at = _read_name(answer, at)
        kind, _, _, length = _ANSWER.unpack_from(answer, at)
        at += _ANSWER.size
        if kind == _PTR:
            yield _read_name(answer, at)[0]
        at += length


def _read_name(answer: bytes, at: int) -> tuple[str, int]:
    """Return the name at a position, and the position after it."""
    labels: list[str] = []
    after = None
    for _ in range(_MAX_STEPS):
        length = answer[at]
        if length == 0:
            return ".".join(labels), at + 1 if after is None else after
        if length & _POINTER == _POINTER:
            after = at + 2 if after is None else after
            at = (length & ~_POINTER) << 8 | answer[at + 1]
        else:
            labels.append(answer[at + 1 : at + 1 + length].decode("ascii"))
            at += 1 + length
    raise ValueError("a name has no end")
