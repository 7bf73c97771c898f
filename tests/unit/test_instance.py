"""Instances have names that people find elsewhere too."""

import os
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from angarium.instance import MAX_LENGTH, ask_name_server, instance_name, process_name

CONTAINER_ID = "8992d89fc928"


@pytest.mark.parametrize(
    ("full_name", "name"),
    [
        ("angarium-worker-3.angarium_default", "worker-3"),
        ("angarium_worker_3.angarium_front", "worker_3"),
        ("my-chat-api-1.my-chat_front", "api-1"),
        ("angarium-worker-run-4f2b.angarium_default", "worker-run-4f2b"),
        ("relay.some_network", "relay"),
    ],
)
def test_a_container_is_called_as_compose_shows_it_within_its_project(
    full_name: str, name: str
) -> None:
    assert instance_name(CONTAINER_ID, 1, lambda _: full_name) == name


def test_a_second_process_in_a_container_has_a_name_of_its_own() -> None:
    assert instance_name(CONTAINER_ID, 41, lambda _: "p-api-2.p_front") == "api-2-41"


def test_a_container_without_a_name_is_called_by_its_id() -> None:
    assert instance_name(CONTAINER_ID, 1, lambda _: None) == CONTAINER_ID


def test_a_host_name_that_somebody_has_chosen_is_kept_and_nothing_asked() -> None:
    def ask(_: str) -> str:
        raise AssertionError("nobody is asked")

    assert instance_name("angarium-api-7d9c5-x2x", 1, ask) == "angarium-api-7d9c5-x2x"
    assert instance_name("deadbeef", 7, ask) == "deadbeef-7"


def test_on_a_machine_the_name_has_the_process_id() -> None:
    assert process_name() == f"{os.uname().nodename}-{os.getpid()}"


def test_a_name_is_bounded() -> None:
    assert process_name("h" * 1_000, 7) == "h" * (MAX_LENGTH - 2) + "-7"
    assert process_name("h" * 1_000, 1) == "h" * MAX_LENGTH


class NameServer:
    """Answers one question with bytes after its own number."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.question = b""

    def answer(self, behind_number: bytes, number: bytes | None = None) -> None:
        def run() -> None:
            self.question, asker = self.socket.recvfrom(512)
            self.socket.sendto((number or self.question[:2]) + behind_number, asker)

        threading.Thread(target=run, daemon=True).start()


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.socket.close()


@pytest.fixture
def asking(name_server: NameServer) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(30.0)
        asking.connect(name_server.socket.getsockname())
        yield asking


def labels(name: str) -> bytes:
    return b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + b"\0"


QUESTION = labels("2.0.18.172.in-addr.arpa") + struct.pack(">HH", 12, 1)
POINTER_TO_QUESTION = b"\xc0\x0c"


def answered(*records: bytes) -> bytes:
    header = struct.pack(">HHHHH", 0x8180, 1, len(records), 0, 0)
    return header + QUESTION + b"".join(records)


def record(data: bytes, kind: int = 12, name: bytes = POINTER_TO_QUESTION) -> bytes:
    return name + struct.pack(">HHIH", kind, 1, 600, len(data)) + data


def test_the_name_server_is_asked_for_the_name_at_an_address(
    name_server: NameServer, asking: socket.socket
) -> None:
    name_server.answer(answered(record(labels("p-api-2.p_front"))))
    assert ask_name_server(asking, "172.18.0.2") == "p-api-2.p_front"
    assert name_server.question[2:] == struct.pack(">HHHHH", 0x100, 1, 0, 0, 0) + QUESTION


def test_records_of_other_kinds_are_passed_over(
    name_server: NameServer, asking: socket.socket
) -> None:
    name = labels("2.0.18.172.in-addr.arpa")
    name_server.answer(
        answered(record(b"\x7f\0\0\1", 1), record(labels("p-api-2.p_front"), name=name))
    )
    assert ask_name_server(asking, "172.18.0.2") == "p-api-2.p_front"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        answered(),
        answered(record(labels("p-api-2.p_front")))[:-9],
        answered(record(b"\xc0\x3f")),
        answered(record(labels("no name"))),
        answered(record(b"\x03\xff\xfe\xfd\x00")),
        answered(record(b"\x00")),
        struct.pack(">HHHHH", 0x8183, 1, 65_535, 0, 0) + QUESTION,
    ],
    ids=["short", "no name", "cut off", "endless", "space", "no ASCII", "empty", "a lie"],
)
def test_an_answer_that_makes_no_sense_is_none(
    name_server: NameServer, asking: socket.socket, answer: bytes
) -> None:
    name_server.answer(answer)
    assert ask_name_server(asking, "172.18.0.2") is None


def test_an_answer_to_another_question_is_none(
    name_server: NameServer, asking: socket.socket
) -> None:
    name_server.answer(answered(record(labels("p-api-2.p_front"))), number=b"no")
    assert ask_name_server(asking, "172.18.0.2") is None


def test_silence_ends_in_time(asking: socket.socket) -> None:
    asking.settimeout(0.05)
    with pytest.raises(OSError, match="timed out"):
        ask_name_server(asking, "172.18.0.2")
