"""A process of ours that stands still, with its connections open, until
it may go on.
"""

import os
import signal
import subprocess
import time
from typing import AnyStr

_POLL_S = 0.001
_PATIENCE_S = 30.0


def freeze(process: subprocess.Popen[AnyStr]) -> None:
    """Stop a process, and wait until all its threads stand still: on a
    busy machine they answer until then.

    Args:
        process: Which; one that has ended stays as it is.

    Raises:
        TimeoutError: It goes on.
    """
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGSTOP)
    give_up_at = time.monotonic() + _PATIENCE_S
    while not _stands_still(process):
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"process {process.pid} goes on {_PATIENCE_S:g} s after SIGSTOP")
        time.sleep(_POLL_S)


def resume(process: subprocess.Popen[AnyStr]) -> None:
    """Let a process go on; does nothing to one that has ended.

    Args:
        process: Which.
    """
    process.send_signal(signal.SIGCONT)


def _stands_still(process: subprocess.Popen[AnyStr]) -> bool:
    pid, status = os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG)
    if pid and not os.WIFSTOPPED(status):
        # Whoever asks first is told of an end, and nobody after that.
        process.returncode = os.waitstatus_to_exitcode(status)
    return pid != 0
