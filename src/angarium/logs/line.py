"""What a log line says, before it is formatted."""

import logging
import time
from collections.abc import Mapping

NO_FIELDS: Mapping[str, object] = {}


class Line(logging.LogRecord):
    """A log record with an action and fields.

    It lacks what is never shown (caller, thread, process). Finding that
    out would take longer than all the rest of the line.

    Attributes:
        action: What happened, stable, snake_case.
        fields: Ids and figures.
    """

    args = exc_info = exc_text = stack_info = None
    pathname = module = funcName = ""  # noqa: N815 - the names that `logging` gives them
    thread = threadName = process = processName = taskName = None  # noqa: N815 - as above
    msecs = relativeCreated = 0.0  # noqa: N815 - as above

    # Deliberately without the base class's constructor, which is slow.
    def __init__(
        self,
        name: str,
        level: int,
        action: str,
        message: str,
        fields: Mapping[str, object] = NO_FIELDS,
        error: BaseException | None = None,
    ) -> None:
        """Describe what happened.

        Args:
            name: The logger's.
            level: A level of `logging`.
            action: What happened, stable, snake_case.
            message: For a person.
            fields: Ids and figures.
            error: What was raised, for its traceback.
        """
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
    """Return the name of what happened.

    Args:
        record: A line of this program, or any library's record.

    Returns:
        The line's action; `library` for a library's record.
    """
    return record.action if isinstance(record, Line) else "library"


def fields_of(record: logging.LogRecord) -> Mapping[str, object]:
    """Return the ids and figures of a record.

    Args:
        record: A line of this program, or any library's record.

    Returns:
        A line's fields; for a library's record the name of its logger.
        If there is an error, its type too.
    """
    fields = record.fields if isinstance(record, Line) else {"logger": record.name}
    if record.exc_info and record.exc_info[0] is not None:
        return {"error_type": record.exc_info[0].__name__, **fields}
    return fields


def traceback_of(record: logging.LogRecord) -> str | None:
    """Format the traceback of a record's error.

    Args:
        record: A line of this program, or any library's record.

    Returns:
        Several lines of text, None if the record has no error.
    """
    if not record.exc_info or record.exc_info[0] is None:
        return None
    return _tracebacks.formatException(record.exc_info)


_tracebacks = logging.Formatter()
