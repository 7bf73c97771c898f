"""What the code under test wrote to its log."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from angarium.logs.line import Line


class LogLines(logging.Handler):
    """The lines written since the test began."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Line] = []

    def emit(self, record: logging.LogRecord) -> None:
        assert isinstance(record, Line)
        self._lines.append(record)

    def of(self, action: str) -> list[Mapping[str, object]]:
        """Give the fields of every line of an action."""
        return [line.fields for line in self._lines if line.action == action]

    def levels(self, action: str) -> list[str]:
        """Give the level of every line of an action."""
        return [line.levelname for line in self._lines if line.action == action]

    def text(self) -> str:
        """Give everything that was written, fields and errors too."""
        return "\n".join(
            f"{line.getMessage()} {line.fields} {line.exc_info}" for line in self._lines
        )


@contextmanager
def captured() -> Iterator[LogLines]:
    """Take every line of the program, of whatever level, instead of
    whoever takes it otherwise.
    """
    logger = logging.getLogger("angarium")
    lines, level, propagate = LogLines(), logger.level, logger.propagate
    logger.addHandler(lines)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        yield lines
    finally:
        logger.removeHandler(lines)
        logger.setLevel(level)
        logger.propagate = propagate
