"""What becomes of lines when whoever reads stderr is slow, or takes
nothing at all.
"""

import io
import json
import threading

from tests.unit.logs.conftest import Collector, HandlerFactory, Pipe
from tests.unit.logs.lines import (
    LONG,
    Write,
    line,
    numbers,
    wait_until,
    write_lines,
)


class FlakyStream(io.StringIO):
    """A stream without a file whose disk is full for a while."""

    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_slow_reader_slows_the_program_down_and_loses_nothing(
    handler_on: HandlerFactory, pipe: Pipe, write: Write
) -> None:
    handler = handler_on(pipe.stream, capacity=10, linger_s=0.0, wait_s=LONG)
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
    handler = handler_on(stream, capacity=2, linger_s=LONG, wait_s=LONG)
    # The fourth line at the latest finds no room, and makes the thread
    # write.
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
    handler = handler_on(pipe.stream, capacity=10, linger_s=0.0, wait_s=0.01)
    write_lines(handler, range(600), write)
    reader = Collector(pipe, chunk=65_536)
    wait_until(lambda: b"log_lines_lost" in reader.data and handler._lines.empty())
    handler._wait_s = LONG
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
    handler = handler_on(pipe.stream, capacity=10, linger_s=0.0, wait_s=0.01)
    write_lines(handler, range(600), write)
    handler._wait_s = LONG
    reader = Collector(pipe, chunk=2_000)
    wait_until(lambda: b"log_lines_lost" in reader.data and handler._lines.empty())
    write_lines(handler, range(600, 1_200), write)
    handler.close()
    found = [json.loads(each) for each in reader.lines()]
    late = [
        each["number"] for each in found if each["action"] == "counted" and each["number"] >= 600
    ]
    assert late == list(range(600, 1_200))


def test_closing_does_not_wait_for_ever_for_a_reader_that_takes_nothing(
    handler_on: HandlerFactory, pipe: Pipe
) -> None:
    handler = handler_on(pipe.stream, linger_s=0.0, wait_s=0.05)
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
