"""Threads whose names the system shows, in `top -H` for example.

Python 3.11 gives a thread's name to debuggers and logs, not to the
kernel. Every thread of a service is a `NamedThread`, or is named by
`show_thread_names` after a library has started it.
`docs/architecture.md` has the table of all of them.
"""

import contextlib
import threading
from pathlib import Path

MAX_NAME_BYTES = 15
"""What Linux keeps of a thread's name (`TASK_COMM_LEN` is 16, with the
final zero byte; see `proc(5)`, `/proc/pid/comm`).
"""

_TASKS = Path("/proc/self/task")


class NamedThread(threading.Thread):
    """A thread that also tells the kernel its name."""

    def start(self) -> None:
        """Start the thread, and show its name before this returns.

        The thread itself does not: it would open a file at a moment
        that nobody can foresee.

        Raises:
            RuntimeError: The system starts no more threads.
        """
        super().start()
        show_thread_name(self)


def show_thread_name(thread: threading.Thread) -> None:
    """Give the kernel the name of a running thread of this process.

    Does nothing where there is no Linux `/proc`, or the thread has
    ended.

    Args:
        thread: Its name is cut after MAX_NAME_BYTES.
    """
    name = thread.name.encode("ascii", "replace")[:MAX_NAME_BYTES]
    with contextlib.suppress(OSError):
        (_TASKS / str(thread.native_id) / "comm").write_bytes(name)


def show_own_name() -> None:
    """Name the calling thread; the `initializer` of a thread pool."""
    show_thread_name(threading.current_thread())


def show_thread_names() -> None:
    """Name every thread, after a client library has started its own.

    The main thread keeps the name of the program, by which `ps` and
    `top` list the process.
    """
    for thread in threading.enumerate():
        if thread is not threading.main_thread():
            show_thread_name(thread)
