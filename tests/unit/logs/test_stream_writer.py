import io
import os
from typing import TextIO

import pytest

from angarium.logs.stream_writer import StreamWriter
from tests.unit.logs.conftest import Collector, Pipe


def test_a_stream_without_a_file_takes_text() -> None:
    stream = io.StringIO()
    assert StreamWriter(stream).write("Grüße\n".encode())
    assert stream.getvalue() == "Grüße\n"


def test_what_a_stream_had_in_its_buffer_comes_first(pipe: Pipe) -> None:
    pipe.stream.write("before\n")
    assert StreamWriter(pipe.stream).write(b"after\n")
    assert pipe.read_to_the_end() == ["before", "after"]


@pytest.mark.parametrize("blocking", [True, False])
def test_all_of_a_large_write_arrives_through_a_full_pipe(pipe: Pipe, blocking: bool) -> None:
    os.set_blocking(pipe.stream.fileno(), blocking)
    reader = Collector(pipe, chunk=4_096)
    assert StreamWriter(pipe.stream).write(b"x" * 1_000_000 + b"\n")
    assert reader.lines() == ["x" * 1_000_000]


def test_a_pipe_that_nobody_reads_is_told_and_not_raised(pipe: Pipe) -> None:
    os.close(pipe.reader)
    try:
        assert not StreamWriter(pipe.stream).write(b"lost\n")
    finally:
        pipe.reader = os.open(os.devnull, os.O_RDONLY)


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_without_a_stream_nothing_is_written_and_nothing_raised(stream: TextIO | None) -> None:
    if stream is not None:
        stream.close()
    assert not StreamWriter(stream).write(b"lost\n")


def test_a_line_that_broke_off_does_not_spoil_the_next(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, room = os.write, [4]

    def full_disk(file: int, data: memoryview) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        written = write(file, data[: room[0]])
        room[0] -= written
        return written

    outlet = StreamWriter(pipe.stream)
    monkeypatch.setattr("angarium.logs.stream_writer.os.write", full_disk)
    assert not outlet.write(b"first line\n")
    assert not outlet.write(b"second line\n")
    monkeypatch.undo()
    assert outlet.write(b"third line\n")
    assert outlet.write(b"fourth line\n")
    assert pipe.read_to_the_end() == ["firs", "third line", "fourth line"]
