"""Logs exceptions that nobody caught, each as one line.

Python's own traceback would cross the lines of other threads.
"""

import sys
import threading
from types import TracebackType
from typing import Protocol


class ErrorLog(Protocol):
    """The part of `Log` used here; importing it would be a circle."""

    def error(
        self, action: str, message: str, error: BaseException | None = None, **fields: object
    ) -> None:
        """Write a line about something that an operator must look at.

        Args:
            action: Stable, snake_case.
            message: For a person.
            error: What was raised.
            **fields: Ids and figures.
        """
        ...


def report_crashes(to: ErrorLog) -> None:
    """Log every exception that ends a thread or the program.

    Hooks that somebody else has set stay.

    Args:
        to: Where to log.
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
