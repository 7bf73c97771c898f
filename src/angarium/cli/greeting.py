"""What a service says on its stdout once it is up."""

from typing import TextIO

from angarium import logs
from angarium.cli.console import drop_unwritten

_log = logs.get("angarium.cli.greeting")


def greet(out: TextIO, text: str) -> None:
    """Tell where a service is reached; that nobody can read it is no reason not to serve.

    Args:
        out: The process's stdout.
        text: Whole lines.
    """
    try:
        out.write(text)
        out.flush()
    except OSError as error:
        _log.warning(
            "greeting_unwritten",
            f"stdout cannot be written: {error.strerror}; going on without it",
            error_type=type(error).__name__,
        )
        drop_unwritten(out)
