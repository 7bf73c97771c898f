"""Formats log lines for a person at a terminal."""

import logging
import time

from angarium.logs.line import action_of, fields_of, traceback_of


class TextFormatter(logging.Formatter):
    """Formats lines in local time; control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record as one line, then its traceback if any.

        Args:
            record: A record of `Log`, or of any library.

        Returns:
            Time, level, action, message and the fields.
        """
        moment = time.strftime("%H:%M:%S", time.localtime(record.created))
        millisecond = int(record.created * 1000) % 1000
        head = f"{moment}.{millisecond:03d} {record.levelname:<7} {action_of(record)}"
        fields = "".join(
            f" {name}={_format_value(value)}" for name, value in fields_of(record).items()
        )
        line = f"{head}: {_printable(record.getMessage())}{' ' if fields else ''}{fields}"
        traceback = traceback_of(record)
        return line if traceback is None else f"{line}\n{traceback}"


def _format_value(value: object) -> str:
    """Return a field's value, quoted if it is empty or has spaces."""
    text = str(value)
    return repr(text) if " " in text or not text else _printable(text)


def _printable(text: str) -> str:
    """Return a text on one line, so that it cannot forge another."""
    return text if text.isprintable() else repr(text)[1:-1]
