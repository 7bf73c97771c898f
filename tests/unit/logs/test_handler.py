import io
import json
import logging
import os
import select
import signal
import threading
from collections import Counter

import pytest

from angarium.logs.handler import BufferedHandler
from tests.unit.logs.conftest import Collector, HandlerFactory, Pipe
from tests.unit.logs.lines import (
    Write,
    line,
    numbers,
    wait_until,
)


def test_lines_come_out_in_their_order(
    handler_on: HandlerFactory, pipe: Pipe, write: Write
) -> None:
    handler = handler_on(pipe.stream)
    reader = Collector(pipe, chunk=65_536)
    for number in range(5_000):
        write(handler, number)
    handler.close()
    assert numbers(reader.lines()) == list(range(5_000))


def test_lines_of_many_threads_are_all_there_whole_and_each_thread_s_in_order(
    handler_on: HandlerFactory, pipe: Pipe, write: Write
) -> None:
    handler = handler_on(pipe.stream, capacity=100, linger_s=0.0)
    reader = Collector(pipe, chunk=1_000)

    def write_all(thread: int) -> None:
        for number in range(300):
            fields: dict[str, object] = {"thread": thread, "filler": "x" * (number % 250)}
            if number % 100 == 0:
                handler.handle(line(number, logging.WARNING, **fields))
            else:
                write(handler, number, **fields)

    threads = [threading.Thread(target=write_all, args=(each,)) for each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    handler.close()
    seen: dict[int, list[int]] = {}
    for each in map(json.loads, reader.lines()):
        seen.setdefault(each["thread"], []).append(each["number"])
    assert seen == {thread: list(range(300)) for thread in range(8)}


def test_one_write_carries_no_more_than_a_pipe_keeps_in_one_piece(
    handler_on: HandlerFactory, pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[bytes] = []
    write = os.write

    def noted(file: int, data: memoryview) -> int:
        writes.append(bytes(data))
        return write(file, data)

    monkeypatch.setattr("angarium.logs.stream_writer.os.write", noted)
    handler = handler_on(pipe.stream, linger_s=60.0)
    reader = Collector(pipe, chunk=65_536)
    for number in range(200):
        handler.handle(line(number))
    handler.close()
    assert numbers(reader.lines()) == list(range(200))
    assert max(len(each) for each in writes) <= min(select.PIPE_BUF, 4096)
    assert all(each.endswith(b"\n") for each in writes)
    assert len(writes) < 100


def test_a_line_waits_for_others_until_somebody_flushes(handler_on: HandlerFactory) -> None:
    stream = io.StringIO()
    handler = handler_on(stream, linger_s=3_600.0)
    handler.handle(line(1))
    assert stream.getvalue() == ""
    handler.flush()
    assert numbers(stream.getvalue().splitlines()) == [1]


def test_a_line_is_written_soon_when_no_other_comes(handler_on: HandlerFactory) -> None:
    stream = io.StringIO()
    handler = handler_on(stream, linger_s=0.01)
    handler.handle(line(1))
    wait_until(lambda: stream.getvalue() != "")


def test_a_warning_does_not_wait_for_others(handler_on: HandlerFactory) -> None:
    stream = io.StringIO()
    handler = handler_on(stream, linger_s=3_600.0)
    handler.handle(line(1))
    handler.handle(line(2, logging.WARNING))
    wait_until(lambda: stream.getvalue().count("\n") == 2)
    assert numbers(stream.getvalue().splitlines()) == [1, 2]


def test_closing_writes_what_is_left_at_once_and_may_be_repeated(
    handler_on: HandlerFactory,
) -> None:
    stream = io.StringIO()
    handler = handler_on(stream, linger_s=3_600.0)
    handler.handle(line(1))
    handler.close()
    handler.close()
    handler.flush()
    assert numbers(stream.getvalue().splitlines()) == [1]


def test_a_line_after_the_end_is_written_by_whoever_brings_it(handler_on: HandlerFactory) -> None:
    stream = io.StringIO()
    handler = handler_on(stream)
    handler.close()
    handler.handle(line(1))
    assert numbers(stream.getvalue().splitlines()) == [1]


def test_a_line_that_is_being_made_when_the_end_comes_is_written(
    handler_on: HandlerFactory, write: Write
) -> None:
    class Closing:
        def __str__(self) -> str:
            handler.close()
            return "closed"

    stream = io.StringIO()
    handler = handler_on(stream)
    write(handler, 1, last=Closing())
    assert numbers(stream.getvalue().splitlines()) == [1]


def test_nothing_is_lost_when_threads_write_while_it_closes(
    handler_on: HandlerFactory, write: Write
) -> None:
    for _ in range(20):
        stream = io.StringIO()
        handler = handler_on(stream, linger_s=0.0)
        started = threading.Barrier(5)

        def write_all(
            handler: BufferedHandler = handler, started: threading.Barrier = started
        ) -> None:
            started.wait(30)
            for number in range(100):
                write(handler, number)

        threads = [threading.Thread(target=write_all) for _ in range(4)]
        for thread in threads:
            thread.start()
        started.wait(30)
        handler.close()
        for thread in threads:
            thread.join(30)
        assert Counter(numbers(stream.getvalue().splitlines())) == Counter(
            dict.fromkeys(range(100), 4)
        )


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_closed_stderr_stops_nobody(
    handler_on: HandlerFactory, stream: io.StringIO | None
) -> None:
    if stream is not None:
        stream.close()
    handler = handler_on(stream, capacity=10)
    for number in range(100):
        handler.handle(line(number, logging.ERROR))
    handler.close()


def test_a_line_that_cannot_be_written_is_told_in_its_place(
    handler_on: HandlerFactory, write: Write
) -> None:
    class Faulty:
        def __str__(self) -> str:
            raise LookupError("no text")

    stream = io.StringIO()
    handler = handler_on(stream)
    write(handler, 1, faulty=Faulty())
    handler.handle(line(2))
    handler.close()
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["action"], first["line_action"]) == ("unwritable_line", "counted")
    assert (first["error_type"], first["level"]) == ("LookupError", "ERROR")
    assert second["number"] == 2


def test_a_signal_handler_may_write_while_the_same_thread_writes(
    handler_on: HandlerFactory,
) -> None:
    stream = io.StringIO()
    handler = handler_on(stream, capacity=50, linger_s=0.0)
    signalled = 0

    def write_one(number: int, frame: object) -> None:
        nonlocal signalled
        signalled += 1
        handler.handle(line(-signalled, logging.WARNING))

    before = signal.signal(signal.SIGVTALRM, write_one)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.0005, 0.0005)
    written = 0
    try:
        while signalled < 50:
            handler.handle(line(written))
            written += 1
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    handler.close()
    found = numbers(stream.getvalue().splitlines())
    assert sorted(found) == list(range(-signalled, 0)) + list(range(written))
