"""Lines with numbers, and the two ways on which they get to a
handler.
"""

import io
import json
import logging
import threading
import time
from collections.abc import Callable

from angarium.logs.handler import BufferedHandler
from angarium.logs.line import Line

LONG = 120.0

Write = Callable[..., None]


def line(number: int, level: int = logging.INFO, **fields: object) -> Line:
    return Line("angarium.test", level, "counted", "a line", {"number": number, **fields})


def as_a_record(handler: BufferedHandler, number: int, **fields: object) -> None:
    handler.handle(
        Line("angarium.test", logging.INFO, "counted", "a line", {"number": number, **fields})
    )


def on_the_short_way(handler: BufferedHandler, number: int, **fields: object) -> None:
    if not handler.take("INFO", "counted", "a line", {"number": number, **fields}):
        as_a_record(handler, number, **fields)


def write_lines(handler: BufferedHandler, numbers: range, write: Write = as_a_record) -> None:
    """Write lines of some 350 bytes: a pipe takes fewer than 200 of
    them.
    """
    for number in numbers:
        write(handler, number, filler="x" * 200)


def numbers(lines: list[str]) -> list[int]:
    return [json.loads(each)["number"] for each in lines]


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < give_up_at, "waited for 30 s in vain"
        threading.Event().wait(0.001)


class Stderr(io.StringIO):
    """What was written, as read back."""

    def lines(self) -> list[dict[str, object]]:
        for handler in logging.getLogger().handlers:
            handler.flush()
        return [json.loads(each) for each in self.getvalue().splitlines()]

    def line(self) -> dict[str, object]:
        (only,) = self.lines()
        return only
