import io
import json
import logging
import os
import select
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from angarium.logs.handler import BufferedHandler
from angarium.logs.line import Line
from tests.unit.logs.conftest import Collector, HandlerFactory, Pipe

LONG = 120.0


def line(number: int, level: int = logging.INFO, **fields: object) -> Line:
    return Line("angarium.test", level, "counted", "a line", {"number": number, **fields})


def as_a_record(handler: BufferedHandler, number: int, **fields: object) -> None:
    handler.handle(Line("angarium.test", logging.INFO, "counted", "a line", {"number": number, **fields}))


def on_the_short_way(handler: BufferedHandler, number: int, **fields: object) -> None:
    if not handler.take("INFO", "counted", "a line", {"number": number, **fields}):
        as_a_record(handler, number, **fields)


Write = Callable[..., None]


@pytest.fixture(params=[as_a_record, on_the_short_way])
def write(request: pytest.FixtureRequest) -> Write:
    chosen: Write = request.param
    return chosen


def write_lines(handler: BufferedHandler, numbers: range, write: Write = as_a_record) -> None:
    """Write lines of some 350 bytes: a pipe takes fewer than 200 of them."""
    for number in numbers:
        write(handler, number, filler="x" * 200)


def numbers(lines: list[str]) -> list[int]:
    return [json.loads(each)["number"] for each in lines]


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at, "waited for 30 s in vain"
        threading.Event().wait(0.001)


class FlakyStream(io.StringIO):
    """A stream without a file whose disk is full for a while."""

    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_lines_come_out_in_their_order(handler_on: HandlerFactory, pipe: Pipe, write: Write) -> None:
    handler = handler_on(pipe.stream)
    reader = Collector(pipe, chunk=65_536)
    for number in range(5_000):
        write(handler, number)
    handler.close()
    assert numbers(reader.lines()) == list(range(5_000))


def test_lines_of_many_threads_are_all_there_whole_and_each_thread_s_in_order(
    handler_on: HandlerFactory, pipe: Pipe, write: Write
) -> None:
    handler = handler_on(pipe.stream, capacity=100, linger=0.0)
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

    monkeypatch.setattr("angarium.logs.outlet.os.write", noted)
    handler = handler_on(pipe.stream, linger=60.0)
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
    handler = handler_on(stream, linger=3_600.0)
    handler.handle(line(1))
    assert stream.getvalue() == ""
    handler.flush()
    assert numbers(stream.getvalue().splitlines()) == [1]


def test_a_line_is_written_soon_when_no_other_comes(handler_on: HandlerFactory) -> None:
    stream = io.StringIO()
    handler = handler_on(stream, linger=0.01)
    handler.handle(line(1))
    wait_until(lambda: stream.getvalue() != "")


def test_a_warning_does_not_wait_for_others(handler_on: HandlerFactory) -> None:
    stream = io.StringIO()
    handler = handler_on(stream, linger=3_600.0)
    handler.handle(line(1))
    handler.handle(line(2, logging.WARNING))
    wait_until(lambda: stream.getvalue().count("\n") == 2)
    assert numbers(stream.getvalue().splitlines()) == [1, 2]


def test_closing_writes_what_is_left_at_once_and_may_be_repeated(handler_on: HandlerFactory) -> None:
    stream = io.StringIO()
    handler = handler_on(stream, linger=3_600.0)
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


def test_nothing_is_lost_when_threads_write_while_it_closes(handler_on: HandlerFactory, write: Write) -> None:
    for _ in range(20):
        stream = io.StringIO()
        handler = handler_on(stream, linger=0.0)
        started = threading.Barrier(5)

        def write_all(handler: BufferedHandler = handler, started: threading.Barrier = started) -> None:
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
        assert Counter(numbers(stream.getvalue().splitlines())) == Counter(dict.fromkeys(range(100), 4))


def test_a_slow_reader_slows_the_program_down_and_loses_nothing(
    handler_on: HandlerFactory, pipe: Pipe, write: Write
) -> None:
    handler = handler_on(pipe.stream, capacity=10, linger=0.0, patience=LONG)
    writer = threading.Thread(target=write_lines, args=(handler, range(600), write))
    writer.start()
    wait_until(lambda: handler._lines.qsize() >= 10)
    assert writer.is_alive()
    reader = Collector(pipe, chunk=2_000)
    writer.join(90)
    handler.close()
    assert numbers(reader.lines()) == list(range(600))


def test_there_is_room_for_a_line_as_soon_as_others_are_being_written(
    handler_on: HandlerFactory, write: Write
) -> None:
    class SlowStream(io.StringIO):
        reached, let_go = threading.Event(), threading.Event()

        def write(self, text: str) -> int:
            self.reached.set()
            assert self.let_go.wait(90)
            return super().write(text)

    stream = SlowStream()
    handler = handler_on(stream, capacity=2, linger=LONG, patience=LONG)
    # The fourth line at the latest finds no room, and makes the thread write.
    writer = threading.Thread(target=write_lines, args=(handler, range(4), write))
    writer.start()
    assert stream.reached.wait(90)
    writer.join(90)
    assert not writer.is_alive()
    stream.let_go.set()
    handler.close()
    assert numbers(stream.getvalue().splitlines()) == [0, 1, 2, 3]


def test_a_reader_that_takes_nothing_stops_nobody_and_is_told_what_it_missed(
    handler_on: HandlerFactory, pipe: Pipe, write: Write
) -> None:
    handler = handler_on(pipe.stream, capacity=10, linger=0.0, patience=0.01)
    write_lines(handler, range(600), write)
    reader = Collector(pipe, chunk=65_536)
    wait_until(lambda: b"log_lines_lost" in reader.data and handler._lines.empty())
    handler.handle(line(600))
    handler.close()
    found = [json.loads(each) for each in reader.lines()]
    lost = [each["lines"] for each in found if each["action"] == "log_lines_lost"]
    taken = [each["number"] for each in found if each["action"] == "counted"]
    assert len(taken) + sum(lost) == 601
    assert taken == sorted(taken)
    assert taken[-1] == 600


def test_once_the_reader_is_back_the_program_waits_for_it_again(
    handler_on: HandlerFactory, pipe: Pipe, write: Write
) -> None:
    handler = handler_on(pipe.stream, capacity=10, linger=0.0, patience=0.01)
    write_lines(handler, range(600), write)
    handler._patience = LONG
    reader = Collector(pipe, chunk=2_000)
    wait_until(lambda: b"log_lines_lost" in reader.data and handler._lines.empty())
    write_lines(handler, range(600, 1_200), write)
    handler.close()
    found = [json.loads(each) for each in reader.lines()]
    late = [each["number"] for each in found if each["action"] == "counted" and each["number"] >= 600]
    assert late == list(range(600, 1_200))


def test_closing_does_not_wait_for_ever_for_a_reader_that_takes_nothing(
    handler_on: HandlerFactory, pipe: Pipe
) -> None:
    handler = handler_on(pipe.stream, linger=0.0, patience=0.05)
    write_lines(handler, range(1_000))
    handler.flush()
    handler.close()
    handler.flush()
    handler.close()
    handler.handle(line(1_000))
    reader = Collector(pipe, chunk=65_536)
    handler._thread.join(30)
    assert not handler._thread.is_alive()
    assert numbers(reader.lines()) == list(range(1_001))


def test_lines_of_a_time_without_room_are_counted_and_told(handler_on: HandlerFactory) -> None:
    stream = FlakyStream()
    handler = handler_on(stream)
    stream.full = True
    handler.handle(line(1))
    handler.handle(line(2))
    handler.flush()
    stream.full = False
    handler.handle(line(3))
    handler.close()
    found = [json.loads(each) for each in stream.getvalue().splitlines()]
    assert [each["action"] for each in found] == ["counted", "log_lines_lost"]
    assert (found[0]["number"], found[1]["lines"], found[1]["level"]) == (3, 2, "ERROR")


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_closed_stderr_stops_nobody(handler_on: HandlerFactory, stream: io.StringIO | None) -> None:
    if stream is not None:
        stream.close()
    handler = handler_on(stream, capacity=10)
    for number in range(100):
        handler.handle(line(number, logging.ERROR))
    handler.close()


def test_a_line_that_cannot_be_written_is_told_in_its_place(handler_on: HandlerFactory, write: Write) -> None:
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


def test_a_signal_handler_may_write_while_the_same_thread_writes(handler_on: HandlerFactory) -> None:
    stream = io.StringIO()
    handler = handler_on(stream, capacity=50, linger=0.0)
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
