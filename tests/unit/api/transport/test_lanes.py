import threading

from angarium.api.transport.lanes import Pool

PATIENCE = 30.0


def test_jobs_run_on_as_many_threads_as_there_are() -> None:
    pool = Pool("store-under-test", threads=2, capacity=8)
    pool.start()
    together = threading.Barrier(3, timeout=PATIENCE)
    names: list[str] = []

    def job() -> None:
        names.append(threading.current_thread().name)
        together.wait()

    assert pool.submit(job)
    assert pool.submit(job)
    together.wait()
    pool.close(PATIENCE)
    assert sorted(names) == ["store-under-test-0", "store-under-test-1"]


def test_a_full_queue_takes_no_more() -> None:
    pool = Pool("store-under-test", threads=1, capacity=2)
    assert pool.submit(lambda: None)
    assert pool.submit(lambda: None)
    assert not pool.submit(lambda: None)


def test_closing_finishes_what_runs_and_drops_what_waits() -> None:
    pool = Pool("store-under-test", threads=1, capacity=8)
    pool.start()
    started, gate = threading.Event(), threading.Event()
    done: list[str] = []

    def first() -> None:
        started.set()
        gate.wait(PATIENCE)
        done.append("first")

    pool.submit(first)
    pool.submit(lambda: done.append("second"))
    assert started.wait(PATIENCE)
    pool.close(0.01)
    gate.set()
    pool.close(PATIENCE)
    assert done == ["first"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("store-under-test")]


def test_a_thread_that_hangs_is_left_behind() -> None:
    pool = Pool("hanging", threads=1, capacity=8)
    pool.start()
    gate = threading.Event()

    def hang() -> None:
        gate.wait(PATIENCE)

    pool.submit(hang)
    pool.close(0.01)
    gate.set()
