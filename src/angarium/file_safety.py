"""Files that nobody else may read, write or put in place, and that
survive a power cut.
"""

import errno
import os
import shlex
import stat
from collections.abc import Sequence
from pathlib import Path

PRIVATE_MODE = 0o600

_OTHERS = 0o077
"""Every right of the group and of everybody else."""


class UnsafeFile(Exception):
    """A file that others may read, write or have put there; the text
    names the command that mends it.
    """


def open_private(path: Path, flags: int, disposable: bool = False) -> int:
    """Open a file that is this user's alone, and nothing else.

    A link is not followed, and a FIFO is not waited for: what is there
    is looked at before anything is read or written.

    Args:
        path: The file.
        flags: Of `os.open`; a file that is made is its owner's alone.
        disposable: Whether nothing in it is missed: a link to it is
            then removed instead of resolved.

    Returns:
        The descriptor, to be closed by the caller.

    Raises:
        UnsafeFile: It is no plain file, belongs to somebody else, or
            others may read or write it.
        OSError: It cannot be opened.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, PRIVATE_MODE)
    except OSError as error:
        # What cannot be opened because of what it is, is told as that.
        if error.errno in {errno.ELOOP, errno.EMLINK, errno.EISDIR, errno.ENXIO}:
            _check_kind_and_owner(path, path.lstat(), disposable)
        raise
    try:
        status = os.fstat(descriptor)
        _check_kind_and_owner(path, status, disposable)
        _check_modes([(path, status)])
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def require_private(paths: Sequence[Path]) -> None:
    """Look at files that others will open, such as SQLite.

    Args:
        paths: Those that are not there are left out.

    Raises:
        UnsafeFile: As for `open_private`; loose modes are told at once.
        OSError: One cannot be looked at.
    """
    there = []
    for path in paths:
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        _check_kind_and_owner(path, status)
        there.append((path, status))
    _check_modes(there)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk: without it a power cut
    takes new files away again.

    Args:
        folder: Which.

    Raises:
        OSError: The disk does not take it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_kind_and_owner(path: Path, status: os.stat_result, disposable: bool = False) -> None:
    """Refuse what is no plain file of this user.

    Args:
        path: The file.
        status: What the system says of it.
        disposable: Whether nothing in it is missed.

    Raises:
        UnsafeFile: With the command that mends it.
    """
    name = shlex.quote(str(path))
    if stat.S_ISLNK(status.st_mode):
        if disposable or not path.exists():
            raise UnsafeFile(f"{path} is a link; remove it: `rm {name}`")
        raise UnsafeFile(
            f'{path} is a link; put the file in its place: `mv "$(realpath {name})" {name}`'
        )
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFile(f"{path} is no plain file; move it away: `mv {name} {name}.away`")
    user = os.geteuid()
    if status.st_uid != user:
        raise UnsafeFile(
            f"{path} belongs to user {status.st_uid}, and this is user {user}; if you trust what "
            "is in it: "
            f"`chown {user} {name}`"
        )


def _check_modes(files: Sequence[tuple[Path, os.stat_result]]) -> None:
    """Refuse files that others may read or write, all at once.

    Args:
        files: With what the system says of each.

    Raises:
        UnsafeFile: With the command that mends them.
    """
    loose = [
        (path, stat.S_IMODE(status.st_mode)) for path, status in files if status.st_mode & _OTHERS
    ]
    if loose:
        names = ", ".join(f"{path} (mode {mode:04o})" for path, mode in loose)
        command = shlex.join(["chmod", f"{PRIVATE_MODE:o}", *(str(path) for path, _ in loose)])
        raise UnsafeFile(f"others may read or write {names}; `{command}`")
