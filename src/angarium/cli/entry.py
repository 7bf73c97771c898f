"""Where the process begins, before anything that takes time to load."""

import os
import signal
from types import FrameType

INTERRUPTED = 130
"""As `angarium.cli.errors` has it, which is not loaded yet."""


def main() -> int:
    """Run one command.

    Until it is loaded, an interrupt ends the process silently.

    Returns:
        The exit status.
    """
    # An interrupt that is ignored, as in the background of a script,
    # stays so.
    is_heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, _leave)
    from angarium.cli.main import main as run

    try:
        if is_heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return run()
    except KeyboardInterrupt:
        # It came in the moment before the command could say so itself.
        return INTERRUPTED


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End the process at once, while modules are imported."""
    # An exception would be raised inside of an import, which may pass
    # it on as another one, or not at all.
    os._exit(INTERRUPTED)
