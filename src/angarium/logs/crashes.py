"""What nobody caught becomes a line, not a traceback across the lines
of others.
"""

import sys
import threading
from types import TracebackType
from typing import Protocol


class ErrorLog(Protocol):
    """Takes the line of a crash."""

    def error(
        self, action: str, message: str, error: BaseException | None = None, **fields: object
    ) -> None:
        """Write a line about something that somebody must look at.

        Args:
            action: Stable, snake_case.
            message: For a person.
            error: What was raised.
            **fields: Ids and figures.
        """
        ...


def report_crashes(to: ErrorLog) -> None:
    """Write a line for every exception that ends a thread or the
    program; hooks that others set stay.

    Args:
        to: Takes the lines.
    """

    def thread_ended(crash: threading.ExceptHookArgs) -> None:
        name = crash.thread.name if crash.thread is not None else "unknown"
        to.error(
            "thread_crashed", f"The thread {name} ended by an error.", crash.exc_value, thread=name
        )

    def program_ended(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        to.error("crashed", "The program ended by an error.", error)

    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = thread_ended
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = program_ended
