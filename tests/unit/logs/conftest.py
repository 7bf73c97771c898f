import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import TextIO

import pytest

from angarium import logs
from angarium.logs.handler import BufferedHandler
from angarium.logs.json_format import JsonFormatter
from tests.unit.logs.lines import Stderr, Write, as_a_record, on_the_short_way

HandlerFactory = Callable[..., BufferedHandler]


class Pipe:
    """Stands for stderr read by another process."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        self.stream: TextIO = os.fdopen(writer, "w")

    def read_to_the_end(self) -> list[str]:
        """Close the writing end and read all lines; the handler must be
        closed before.
        """
        self.stream.close()
        with os.fdopen(self.reader, closefd=False) as stream:
            return stream.read().splitlines()

    def close(self) -> None:
        self.stream.close()
        os.close(self.reader)


class Collector:
    """Reads a pipe's lines in a thread of its own."""

    def __init__(self, pipe: Pipe, chunk: int) -> None:
        self.data = b""
        self._pipe = pipe
        self._chunk = chunk
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while data := os.read(self._pipe.reader, self._chunk):
            self.data += data

    def lines(self) -> list[str]:
        self._pipe.stream.close()
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.data.decode().splitlines()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


@pytest.fixture
def handler_on() -> Iterator[HandlerFactory]:
    """Give a maker of handlers that are closed when the test ends."""
    with ExitStack() as stack:

        def make(
            stream: TextIO | None,
            form: logging.Formatter | None = None,
            capacity: int = 10_000,
            linger_s: float = 0.01,
            wait_s: float = 30.0,
        ) -> BufferedHandler:
            handler = BufferedHandler(stream, capacity, linger_s, wait_s)
            stack.callback(handler.close)
            handler.setFormatter(form or JsonFormatter("api", "host-1"))
            return handler

        yield make


@pytest.fixture(params=[as_a_record, on_the_short_way])
def write(request: pytest.FixtureRequest) -> Write:
    chosen: Write = request.param
    return chosen


@pytest.fixture
def stderr() -> Iterator[Stderr]:
    stream = Stderr()
    with closing(logs.configure("serve", "INFO", "json", stream)):
        yield stream
