"""`angarium`: runs a command and turns errors into single lines."""

import sys
import traceback
from collections.abc import Sequence

from angarium.cli import (
    audit,
    chat,
    command_line,
    completion,
    config,
    dead,
    export,
    history,
    import_,
    inbox,
    init,
    instances,
    login,
    send,
    status,
    trace,
    users,
    verify,
    version,
    whoami,
)
from angarium.cli import help as help_page
from angarium.cli.arguments import Parser
from angarium.cli.console import Console, drop_unwritten
from angarium.cli.errors import (
    EXIT_BROKEN_PIPE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    CommandError,
)
from angarium.client import RequestFailed
from angarium.config import SettingsError, unknown_settings
from angarium.domain.errors import Refused, SetupError, Unavailable, WrongTopic

_THREAD_REFUSED = "can't start new thread"
"""What Python says when the system has no room for one more thread."""

_NO_THREADS = (
    "the system refuses to start another thread; allow more memory (`ulimit -v`), more "
    "processes (`ulimit -u`) or more tasks in the container"
)


def main(argv: Sequence[str] | None = None, console: Console | None = None) -> int:
    """Run one command.

    Args:
        argv: What was typed after `angarium`; the process's own when
            None.
        console: The streams and the environment; the process's own when
            None.

    Returns:
        The exit status: 0, 1 for a failure, 2 for a wrong command line
        or wrong settings, 130 when interrupted.
    """
    console = console or Console.of_this_process()
    try:
        status = _dispatch(sys.argv[1:] if argv is None else argv, console)
        console.stdout.flush()
    except BrokenPipeError:
        drop_unwritten(sys.stdout)
        return EXIT_BROKEN_PIPE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except CommandError as error:
        return _report_failure(console, error.lines, error.status)
    except RequestFailed as error:
        return _report_failure(console, (str(error),), EXIT_FAILED)
    except SettingsError as error:
        return _report_failure(console, error.problems, EXIT_USAGE)
    except (SetupError, WrongTopic) as error:
        return _report_failure(console, str(error).splitlines(), EXIT_USAGE)
    except (Refused, Unavailable) as error:
        return _report_failure(console, (str(error),), EXIT_FAILED)
    except OSError as error:
        return _report_failure(console, (_os_words(error),), EXIT_FAILED)
    except Exception as error:  # noqa: BLE001 - the last resort: one line, like every other error
        return _report_failure(console, (_describe_unforeseen(error),), EXIT_FAILED)
    return status


def _dispatch(argv: Sequence[str], console: Console) -> int:
    """Parse the command line and run the command that it names."""
    root = _parser()
    line = command_line.read(root, argv)
    if line.wants_help or not line.path:
        help_page.show(root, line.parser, console)
        return 0
    arguments = root.parse_args(line.to_arguments())
    for warning in unknown_settings(console.environment):
        console.complain(warning)
    return int(arguments.run(arguments, console))


def _parser() -> Parser:
    """Build the parser of all commands, in the order of the help."""
    parser = Parser(prog="angarium", allow_abbrev=False)
    commands = parser.add_commands()
    for command in (
        instances,
        init,
        users,
        status,
        trace,
        audit,
        dead,
        export,
        import_,
        login,
        whoami,
        send,
        history,
        inbox,
        verify,
        chat,
        config,
        version,
    ):
        command.register(commands)
    for about_all in (completion, help_page):
        about_all.register(commands, parser)
    return parser


def _report_failure(console: Console, lines: Sequence[str], status: int) -> int:
    """Print why a command failed and return its status."""
    try:
        console.stdout.flush()
    except OSError:
        # It would fail again before each line, and at exit.
        drop_unwritten(console.stdout)
    try:
        for line in lines:
            console.complain(line)
    except OSError:
        # stderr is closed: only the status can report the failure.
        return status
    return status


def _os_words(error: OSError) -> str:
    """Describe an OSError by its file and the system's words."""
    what = error.strerror or type(error).__name__
    return f"{error.filename}: {what}" if error.filename else what


def _describe_unforeseen(error: Exception) -> str:
    """Describe an error that nothing else has caught."""
    # The limit of threads is the machine's doing, all else a fault.
    return _NO_THREADS if str(error) == _THREAD_REFUSED else _fault(error)


def _fault(error: Exception) -> str:
    """Describe a bug by its exception and the line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return (
        f"a bug in this program: {type(error).__name__}: {error}{place}; please report this line"
    )
