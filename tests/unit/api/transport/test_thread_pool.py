import os
import sys
import threading
from collections.abc import Callable

import pytest

from angarium.api.transport.fair_queue import FairQueue
from angarium.api.transport.thread_pool import Job, ThreadPool

PATIENCE = 30.0


def pool(threads: int, capacity: int = 8, niceness: int = 0) -> ThreadPool:
    return ThreadPool(
        "store-under-test", threads, FairQueue(capacity, capacity, threads), niceness
    )


def job(run: Callable[[], object]) -> Job:
    return Job(lambda: [run()].clear(), "flow", "source")


def test_jobs_run_on_as_many_threads_as_there_are() -> None:
    tested = pool(threads=2)
    tested.start()
    together = threading.Barrier(3, timeout=PATIENCE)
    names: list[str] = []

    def run() -> None:
        names.append(threading.current_thread().name)
        together.wait()

    assert tested.submit(job(run)) is None
    assert tested.submit(job(run)) is None
    together.wait()
    tested.close(PATIENCE)
    assert sorted(names) == ["store-under-test-0", "store-under-test-1"]


def test_a_full_queue_takes_no_more() -> None:
    tested = pool(threads=1, capacity=2)
    assert tested.submit(job(int)) is None
    assert tested.submit(job(int)) is None
    refused = job(int)
    assert tested.submit(refused) is refused


def test_what_is_withdrawn_never_runs() -> None:
    tested = pool(threads=1)
    done: list[str] = []
    withdrawn = job(lambda: done.append("withdrawn"))
    tested.submit(withdrawn)
    tested.submit(job(lambda: done.append("kept")))
    last = threading.Event()
    tested.submit(job(last.set))
    assert tested.withdraw(withdrawn)
    tested.start()
    assert last.wait(PATIENCE)
    tested.close(PATIENCE)
    assert done == ["kept"]


def test_closing_finishes_what_runs_and_drops_what_waits() -> None:
    tested = pool(threads=1)
    tested.start()
    started, gate = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        started.set()
        gate.wait(PATIENCE)
        done.append("first")

    tested.submit(job(first))
    tested.submit(job(lambda: done.append("second")))
    assert started.wait(PATIENCE)
    tested.close(0.01)
    gate.set()
    tested.close(PATIENCE)
    assert done == ["first"]
    assert not [
        thread for thread in threading.enumerate() if thread.name.startswith("store-under-test")
    ]


def test_a_thread_that_hangs_is_left_behind() -> None:
    tested = pool(threads=1)
    tested.start()
    started, gate = threading.Event(), threading.Event()

    def hang() -> None:
        started.set()
        gate.wait()

    tested.submit(job(hang))
    assert started.wait(PATIENCE)
    closing = threading.Thread(target=tested.close, args=[0.01])
    closing.start()
    closing.join(PATIENCE)
    left_behind = not closing.is_alive()
    gate.set()
    closing.join(PATIENCE)
    assert left_behind, "closing waits for as long as a job hangs"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives each thread a priority")
def test_a_pool_may_stand_back_and_no_other_thread_does() -> None:
    found: list[int] = []
    looked = threading.Event()

    def look() -> None:
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        looked.set()

    tested = pool(threads=1, niceness=3)
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    tested.start()
    tested.submit(job(look))
    assert looked.wait(PATIENCE)
    tested.close(PATIENCE)
    assert found == [min(before + 3, 19)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_a_watcher_hears_how_many_jobs_there_are_when_one_begins_and_ends() -> None:
    heard: list[int] = []
    ended = threading.Event()

    def watch(jobs: int) -> None:
        heard.append(jobs)
        if not jobs:
            ended.set()

    tested = ThreadPool("store-under-test", 1, FairQueue(8, 8, 1), watch=watch)
    tested.submit(job(int))
    tested.submit(job(int))
    tested.start()
    assert ended.wait(PATIENCE)
    tested.close(PATIENCE)
    assert heard == [2, 1, 1, 0]
