"""A share of a core for a process: by a control group where one can be
made, else by stopping it in turns.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

PERIOD_S = 0.02
"""Short, so that a process that has used up its share does not stand
still for long.
"""

_ROOT = Path("/sys/fs/cgroup")
_V1 = _ROOT / "cpu"


def limited(pid: int, share: float) -> AbstractContextManager[str]:
    """Hold a process to a share of one core for the length of a block,
    and tell by what means.

    Args:
        pid: Which process.
        share: 0.2 is a fifth of a core.
    """
    period = round(PERIOD_S * 1_000_000)
    quota = round(period * share)
    if _can_be_made_in(_V1) and (_V1 / "cpu.cfs_quota_us").exists():
        settings = {"cpu.cfs_period_us": str(period), "cpu.cfs_quota_us": str(quota)}
        return _group(_V1, pid, settings, "cgroup v1 cpu.cfs_quota_us")
    if _can_be_made_in(_ROOT) and "cpu" in _text(_ROOT / "cgroup.subtree_control"):
        return _group(_ROOT, pid, {"cpu.max": f"{quota} {period}"}, "cgroup v2 cpu.max")
    return _duty_cycle(pid, share)


def _can_be_made_in(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK)


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""


@contextlib.contextmanager
def _group(parent: Path, pid: int, settings: dict[str, str], means: str) -> Iterator[str]:
    group = parent / f"angarium-bench-{pid}"
    group.mkdir()
    try:
        for name, value in settings.items():
            (group / name).write_text(value)
        (group / "cgroup.procs").write_text(str(pid))
        yield means
    finally:
        with contextlib.suppress(OSError):  # it has ended already
            (parent / "cgroup.procs").write_text(str(pid))
        _remove(group)


def _remove(group: Path) -> None:
    # A group is busy until its last process is seen to be gone.
    for _ in range(100):
        try:
            group.rmdir()
        except OSError:
            time.sleep(0.05)
        else:
            return


@contextlib.contextmanager
def _duty_cycle(pid: int, share: float) -> Iterator[str]:
    ending = threading.Event()

    def alternate() -> None:
        with contextlib.suppress(ProcessLookupError):
            while not ending.wait(PERIOD_S * share):
                os.kill(pid, signal.SIGSTOP)
                ending.wait(PERIOD_S * (1 - share))
                os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=alternate, daemon=True)
    thread.start()
    try:
        yield "SIGSTOP and SIGCONT in turns"
    finally:
        ending.set()
        thread.join()
