"""Threads show their names in `top -H`."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from angarium import threads
from angarium.threads import NamedThread, show_own_name, show_thread_name, show_thread_names

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has `/proc`")


def comm() -> str:
    return Path("/proc/thread-self/comm").read_text().strip()


def name_in_the_kernel(name: str) -> str:
    """What the kernel calls a thread that was started under a name."""
    seen: list[str] = []
    started = threading.Event()

    def work() -> None:
        started.wait()
        seen.append(comm())

    thread = NamedThread(target=work, name=name)
    thread.start()
    started.set()
    thread.join()
    return seen[0]


@linux
def test_a_named_thread_has_its_name_in_the_kernel() -> None:
    assert name_in_the_kernel("store-7") == "store-7"


@linux
def test_a_long_name_is_cut_after_15_bytes() -> None:
    assert name_in_the_kernel("a-very-long-thread-name") == "a-very-long-thr"


@linux
def test_the_threads_of_a_pool_name_themselves() -> None:
    with ThreadPoolExecutor(1, thread_name_prefix="users", initializer=show_own_name) as pool:
        assert pool.submit(comm).result() == "users_0"


@linux
def test_threads_that_a_library_started_are_named_afterwards_and_the_main_one_is_not() -> None:
    named = threading.Event()
    seen: list[str] = []

    def work() -> None:
        named.wait()
        seen.append(comm())

    thread = threading.Thread(target=work, name="of-a-library")
    thread.start()
    before = comm()
    show_thread_names()
    named.set()
    thread.join()
    assert seen == ["of-a-library"]
    assert comm() == before


def test_a_thread_that_has_ended_does_no_harm() -> None:
    thread = NamedThread(target=lambda: None, name="ended")
    thread.start()
    thread.join()
    show_thread_name(thread)


def test_a_system_without_proc_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_TASKS", Path("/nowhere"))
    done: list[bool] = []
    thread = NamedThread(target=lambda: done.append(True), name="anything")
    thread.start()
    thread.join()
    assert done == [True]


def test_every_thread_of_a_service_is_started_so_that_it_is_named() -> None:
    source = Path(threads.__file__).parent
    services = [path for path in source.rglob("*.py") if not {"chat", "verify"} & set(path.parts)]
    for path in services:
        text = path.read_text()
        assert "threading.Thread(" not in text, f"{path} starts a thread without its name"
        pools = text.count("ThreadPoolExecutor(")
        assert pools == text.count("initializer=show_own_name"), f"{path} has nameless threads"
