"""How a command can fail, in one line for who typed it."""

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


class CommandError(Exception):
    """A command failed; its text says what to do next.

    Attributes:
        lines: What is printed, one line each.
        status: The process's exit status.
    """

    def __init__(self, *lines: str, status: int = EXIT_FAILED) -> None:
        """Keep the lines to print and the exit status."""
        super().__init__("\n".join(lines))
        self.lines = lines
        self.status = status


class UsageError(CommandError):
    """The command line is wrong: the exit status is 2."""

    def __init__(self, line: str) -> None:
        """Use the exit status of wrong usage."""
        super().__init__(line, status=EXIT_USAGE)
