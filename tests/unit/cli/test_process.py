import gc
import os
import platform
import subprocess
import sys
import weakref

import pytest

from angarium.cli import process
from angarium.cli.process import greet

USUAL = gc.get_threshold()


def look_as_before() -> None:
    gc.unfreeze()
    gc.set_threshold(*USUAL)


class Node:
    """Something that can be part of a cycle."""

    def __init__(self) -> None:
        self.itself = self


def test_what_a_start_has_made_is_no_longer_looked_at() -> None:
    kept = Node()
    process.tune_garbage_collector()
    try:
        assert gc.get_freeze_count() > 0
        assert not any(each is kept for each in gc.get_objects())
    finally:
        look_as_before()


def test_requests_under_way_are_not_looked_at_again_and_again() -> None:
    process.tune_garbage_collector()
    try:
        gc.collect()
        looks = gc.get_stats()[0]["collections"]
        under_way: list[list[object]] = [[] for _ in range(process.YOUNG // 2)]
        assert gc.get_stats()[0]["collections"] == looks
        assert under_way
    finally:
        look_as_before()


def test_what_comes_later_is_collected() -> None:
    process.tune_garbage_collector()
    try:
        later = weakref.ref(Node())
        gc.collect()
        assert later() is None
    finally:
        look_as_before()


KEEPING = """
from threading import Thread
from angarium.cli import process

def resident():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

def work():
    # As the first password hash: glibc takes it for the usual size from now on.
    for _ in range(2):
        bytearray(16 * 1024 * 1024)
    pages = [bytearray(1024 * 1024) for _ in range(32)]
    between = [bytearray(100_000) for _ in range(4)]
    del pages
    kept.append(between)

{give_back}
kept = []
before = resident()
for _ in range(3):
    thread = Thread(target=work)
    thread.start()
    thread.join()
print(resident() - before)
"""


def kept_kib(give_back: str) -> int:
    """Tell what a process of its own keeps of 32 MB that it has
    freed.
    """
    code = KEEPING.format(give_back=give_back)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    return int(ran.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_freed_memory_goes_back_to_the_system() -> None:
    assert kept_kib("") > 16 * 1024, (
        "the library itself gives it back: process.give_back is not needed any more"
    )
    assert kept_kib("process.return_free_memory()") < 8 * 1024


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    process.return_free_memory()


def test_a_greeting_is_told_at_once() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as there, os.fdopen(writing, "w") as out:
        greet(out, "working\n")
        assert there.readline() == "working\n"


def test_an_unwritable_greeting_fails_neither_now_nor_when_the_stream_is_closed() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as out:
        greet(out, "working\n")
        out.write("more\n")
