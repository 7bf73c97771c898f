"""Files that are this user's alone: opened, or replaced as a whole."""

import errno
import fcntl
import os
import secrets
import shlex
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PRIVATE_MODE = 0o600
"""The owner may read and write, nobody else anything."""

_OTHERS = 0o077
"""All rights of the group and of everybody else."""


class UnsafeFile(Exception):
    """A file that others may read, write or have put there.

    The text has the command that corrects it.
    """


def open_private(path: Path, flags: int, disposable: bool = False) -> int:
    """Open a file, provided that it is this user's alone.

    A link is not followed, and a FIFO is not waited for. The file is
    checked before anything is read or written.

    Args:
        path: The file.
        flags: Of `os.open`; a new file is its owner's alone.
        disposable: Whether the content may be deleted. The advice for a
            link is then to remove it.

    Returns:
        The descriptor, to be closed by the caller.

    Raises:
        UnsafeFile: It is not a regular file, belongs to somebody else,
            or others may read or write it.
        OSError: It cannot be opened.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, PRIVATE_MODE)
    except OSError as error:
        # These errors mean that it is not a regular file. Say that.
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
    """Check files that a library will open, such as SQLite.

    Args:
        paths: Missing files are skipped.

    Raises:
        UnsafeFile: As `open_private`; names all files with a wrong
            mode.
        OSError: One cannot be checked.
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


@contextmanager
def replace_whole(path: Path, beginning: bytes) -> Iterator[BinaryIO]:
    """Write a private file that appears whole or not at all.

    It is written beside its place and renamed when it is on the disk.
    What a killed process has left there is removed by the next one.

    Args:
        path: The file. One that exists is replaced at the end, unless
            it is a link, no regular file, another user's, or begins
            with something else.
        beginning: What an earlier file of the same kind begins with.

    Yields:
        The file to write to.

    Raises:
        UnsafeFile: What exists must not be replaced.
        OSError: It cannot be written; nothing was replaced.
    """
    _check_replaceable(path, beginning)
    _remove_leftovers(path.parent)
    part, descriptor = _make_part(path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
            part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk.

    Otherwise a new file may be gone after a power cut.

    Args:
        folder: In which files were created, renamed or deleted.

    Raises:
        OSError: The disk reports an error.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_kind_and_owner(path: Path, status: os.stat_result, disposable: bool = False) -> None:
    """Raise an error unless this is a regular file of this user.

    Args:
        path: The file.
        status: Of `lstat` or `fstat`.
        disposable: Whether the content may be deleted.

    Raises:
        UnsafeFile: With the command that corrects it.
    """
    name = shlex.quote(str(path))
    if stat.S_ISLNK(status.st_mode):
        if disposable or not path.exists():
            raise UnsafeFile(f"{path} is a link; remove it: `rm {name}`")
        raise UnsafeFile(
            f'{path} is a link; put the file in its place: `mv "$(realpath {name})" {name}`'
        )
    if not stat.S_ISREG(status.st_mode):
        raise UnsafeFile(f"{path} is not a regular file; move it away: `mv {name} {name}.away`")
    user = os.geteuid()
    if status.st_uid != user:
        raise UnsafeFile(
            f"{path} belongs to user {status.st_uid}, but this is user {user}; if you trust its "
            f"content: `chown {user} {name}`"
        )


def _check_modes(files: Sequence[tuple[Path, os.stat_result]]) -> None:
    """Raise one error for all files that others may read or write.

    Args:
        files: With the status of each.

    Raises:
        UnsafeFile: With the command that corrects them.
    """
    loose = [
        (path, stat.S_IMODE(status.st_mode)) for path, status in files if status.st_mode & _OTHERS
    ]
    if loose:
        names = ", ".join(f"{path} (mode {mode:04o})" for path, mode in loose)
        command = shlex.join(["chmod", f"{PRIVATE_MODE:o}", *(str(path) for path, _ in loose)])
        raise UnsafeFile(f"others may read or write {names}; `{command}`")


_PART = ".angarium-{}.part"
"""The name of a file that is not whole yet."""


def _check_replaceable(path: Path, beginning: bytes) -> None:
    """Raise an error unless a file may be replaced or is not there.

    Args:
        path: The file.
        beginning: What it must begin with, unless it is empty.

    Raises:
        UnsafeFile: With the command that corrects it.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(status.st_mode):
        kind = "a link" if stat.S_ISLNK(status.st_mode) else "not a regular file"
        raise UnsafeFile(f"{path} is {kind}; name a regular file, or one that does not exist yet")
    _check_kind_and_owner(path, status)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        found = os.read(descriptor, len(beginning))
    finally:
        os.close(descriptor)
    if found not in {b"", beginning}:
        raise UnsafeFile(
            f"{path} exists and is something else, which is not replaced; choose another name"
        )


def _remove_leftovers(folder: Path) -> None:
    """Remove the parts of processes that were killed.

    A living process holds a lock on its part.
    """
    for part in folder.glob(_PART.format("*")):
        with suppress(OSError):
            descriptor = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                part.unlink()
            finally:
                os.close(descriptor)


def _make_part(folder: Path) -> tuple[Path, int]:
    """Make and lock a file that is not whole yet.

    Returns:
        Its path, and the descriptor to write to.
    """
    while True:
        part = folder / _PART.format(secrets.token_hex(8))
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(part, flags, PRIVATE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            part.unlink(missing_ok=True)
            raise
        # Before the lock was held, another process may have taken the
        # part for a leftover.
        if part.exists():
            return part, descriptor
        os.close(descriptor)
