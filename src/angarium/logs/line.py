"""What a line says, before it is given a form."""

import logging
import time
from collections.abc import Mapping

NO_FIELDS: Mapping[str, object] = {}


class Line(logging.LogRecord):
    """A record with an action and fields.

    It leaves out what is never shown (caller, thread, process): finding
    that out would cost more than all the rest of the line.

    Attributes:
        action: What happened, stable, snake_case.
        fields: Ids and figures.
    """

    args = exc_info = exc_text = stack_info = None
    pathname = module = funcName = ""  # noqa: N815 - the names that `logging` gives them
    thread = threadName = process = processName = taskName = None  # noqa: N815 - as above
    msecs = relativeCreated = 0.0  # noqa: N815 - as above

    # The base class's constructor is what this class is there to avoid.
    def __init__(
        self,
        name: str,
        level: int,
        action: str,
        message: str,
        fields: Mapping[str, object] = NO_FIELDS,
        error: BaseException | None = None,
    ) -> None:
        # Python's own formatters look for these two in the instance.
        self.filename = ""
        self.lineno = 0
        self.name = name
        self.levelno = level
        self.levelname = logging.getLevelName(level)
        self.msg = message
        self.created = time.time()
        self.action = action
        self.fields = fields
        if error is not None:
            self.exc_info = (type(error), error, error.__traceback__)


def action_of(record: logging.LogRecord) -> str:
    """Tell what happened.

    Args:
        record: A line of this program, or any library's record.

    Returns:
        The line's action; `library` for a library's record.
    """
    return record.action if isinstance(record, Line) else "library"


def fields_of(record: logging.LogRecord) -> Mapping[str, object]:
    """Tell what else is known.

    Args:
        record: A line of this program, or any library's record.

    Returns:
        The line's fields; for a library's record the name of its
        logger. With an error, its type.
    """
    fields = record.fields if isinstance(record, Line) else {"logger": record.name}
    if record.exc_info and record.exc_info[0] is not None:
        return {"error_type": record.exc_info[0].__name__, **fields}
    return fields


def traceback_of(record: logging.LogRecord) -> str | None:
    """Write an error's traceback down.

    Args:
        record: A line of this program, or any library's record.

    Returns:
        Several lines of text, None when the record has no error.
    """
    if not record.exc_info or record.exc_info[0] is None:
        return None
    return _tracebacks.formatException(record.exc_info)


_tracebacks = logging.Formatter()
