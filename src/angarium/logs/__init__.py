"""JSON lines on stderr: an action, the ids that apply, never a secret.

Nor is the text of a message ever logged. Code gets its log with `get`.
The ids of the current request come from context variables, which
`bound` sets at the edge. The command line calls `configure` once;
before that, lines go where Python's `logging` sends them.
"""

import logging
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import TextIO

from angarium.instance import process_name
from angarium.logs.handler import BufferedHandler
from angarium.logs.json_format import JsonFormatter
from angarium.logs.libraries import LibraryFilter
from angarium.logs.line import Line
from angarium.logs.repeats import Repeats as Repeats
from angarium.logs.text_format import TextFormatter

_NAMES = {level: logging.getLevelName(level) for level in (logging.DEBUG, logging.INFO)}
_configured: BufferedHandler | None = None
_context: ContextVar[Mapping[str, object]] = ContextVar("log_context", default={})  # noqa: B039 - never changed


class Log:
    """Writes lines that say what happened, under a logger's name."""

    def __init__(self, name: str) -> None:
        """Use the logger of a name; called by `get`."""
        self._logger = logging.getLogger(name)

    def debug(self, action: str, message: str, **fields: object) -> None:
        """Write a line that helps to find a fault.

        Args:
            action: Stable, snake_case.
            message: For a person.
            **fields: Ids and figures.
        """
        self._write(logging.DEBUG, action, message, fields)

    def info(self, action: str, message: str, **fields: object) -> None:
        """Write a line about the normal course of things.

        Args:
            action: Stable, snake_case.
            message: For a person.
            **fields: Ids and figures.
        """
        self._write(logging.INFO, action, message, fields)

    def warning(self, action: str, message: str, **fields: object) -> None:
        """Write a line about something that recovers by itself.

        Args:
            action: Stable, snake_case.
            message: For a person.
            **fields: Ids and figures.
        """
        self._write(logging.WARNING, action, message, fields)

    def limited_warning(
        self, repeats: Repeats, action: str, message: str, **fields: object
    ) -> None:
        """Write a WARNING about something that happens again and again.

        After the first one, further lines are DEBUG for a while.

        Args:
            repeats: Knows when the last WARNING of an action was
                written.
            action: Stable, snake_case.
            message: For a person.
            **fields: Ids and figures; `repeats` is added if lines have
                been left out.
        """
        counted = repeats.fields(action)
        level = logging.DEBUG if counted is None else logging.WARNING
        self._write(level, action, message, {**fields, **(counted or {})})

    def limited_error(
        self,
        repeats: Repeats,
        action: str,
        message: str,
        error: BaseException | None = None,
        **fields: object,
    ) -> None:
        """Write an ERROR about something that happens again and again.

        After the first one, further lines are DEBUG for a while.

        Args:
            repeats: Knows when the last ERROR of an action was written.
            action: Stable, snake_case.
            message: For a person.
            error: What was raised, as for `error`.
            **fields: Ids and figures; `repeats` is added if lines have
                been left out.
        """
        counted = repeats.fields(action)
        level = logging.DEBUG if counted is None else logging.ERROR
        self._write(level, action, message, {**fields, **(counted or {})}, error)

    def error(
        self, action: str, message: str, error: BaseException | None = None, **fields: object
    ) -> None:
        """Write a line about something that an operator must look at.

        Args:
            action: Stable, snake_case.
            message: For a person.
            error: What was raised; its type becomes `error_type`, its
                traceback `traceback`.
            **fields: Ids and figures.
        """
        self._write(logging.ERROR, action, message, fields, error)

    def _write(
        self,
        level: int,
        action: str,
        message: str,
        fields: Mapping[str, object],
        error: BaseException | None = None,
    ) -> None:
        """Add the bound ids, and take the shorter way below WARNING."""
        if self._logger.isEnabledFor(level):
            context = _context.get()
            everything = {**context, **fields} if context else fields
            direct = _configured if level < logging.WARNING else None
            if direct is not None and direct.take(_NAMES[level], action, message, everything):
                return
            self._logger.handle(Line(self._logger.name, level, action, message, everything, error))


def get(name: str) -> Log:
    """Return the log of a module.

    Args:
        name: The package's dotted name, such as `angarium.api`.

    Returns:
        A log that writes where `configure` says.
    """
    return Log(name)


def bound(**fields: object) -> AbstractContextManager[None]:
    """Add ids to every line that is logged inside a `with` block.

    Args:
        **fields: Ids, such as `trace_id`.

    Returns:
        A context manager.
    """
    return _Bound(fields)


def bindings() -> Mapping[str, object]:
    """Return the ids that are bound here, to bind on another thread.

    Returns:
        The fields of `bound` that every line has here.
    """
    return _context.get()


class _Bound(AbstractContextManager[None]):
    """The context manager of `bound`.

    A class, because one is entered for each request, and a generator
    takes three times as long.
    """

    __slots__ = ("_fields", "_token")

    def __init__(self, fields: Mapping[str, object]) -> None:
        """Keep the fields until the block is entered."""
        self._fields = fields

    def __enter__(self) -> None:
        """Add the fields to those of an outer block."""
        outer = _context.get()
        self._token = _context.set({**outer, **self._fields} if outer else self._fields)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Restore the fields of the outer block."""
        _context.reset(self._token)


def configure(
    service: str,
    level: str,
    form: str,
    stream: TextIO | None = None,
    instance: str | None = None,
) -> BufferedHandler:
    """Send all lines to stderr.

    These are the program's own lines, warnings of client libraries, and
    exceptions that nobody caught.

    Args:
        service: `api`, `worker`, `serve` or `cli`.
        level: The lowest level that is written, such as `INFO`.
        form: `json` or `text`.
        stream: Instead of stderr.
        instance: The name of this process; its machine and its number
            when None.

    Returns:
        The handler, which replaces an earlier one; closing it writes
        what is left.
    """
    global _configured
    handler = BufferedHandler(stream or sys.stderr)
    # A command reports trouble with its servers when it ends.
    handler.addFilter(LibraryFilter(handler.handle, quiet=service == "cli"))
    handler.setFormatter(
        TextFormatter() if form == "text" else JsonFormatter(service, instance or process_name())
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, BufferedHandler)]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    _configured = handler
    root.setLevel(logging.WARNING)
    logging.getLogger("angarium").setLevel(level)
    _report_crashes(get("angarium"))
    return handler


def _report_crashes(to: Log) -> None:
    """Log every exception that ends a thread or the program.

    Each is one line: Python's own traceback would cross the lines of
    other threads. Hooks that somebody else has set stay.
    """

    def thread_ended(crash: threading.ExceptHookArgs) -> None:
        """Log the exception that ended a thread."""
        name = crash.thread.name if crash.thread is not None else "unknown"
        to.error(
            "thread_crashed", f"The thread {name} ended by an error.", crash.exc_value, thread=name
        )

    def program_ended(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        """Log the exception that ended the program, but not Ctrl-C."""
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        to.error("crashed", "The program ended by an error.", error)

    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = thread_ended
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = program_ended
