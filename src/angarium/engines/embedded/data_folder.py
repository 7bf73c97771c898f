"""The data folder of the embedded engine, and its lock."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from angarium.domain.errors import SetupError
from angarium.file_safety import UnsafeFile, open_private, sync_folder

LOCK_NAME = "lock"
"""The file whose lock says that a process uses the folder."""

_LOCK_BYTES = 512
"""More than a process id and a name need."""

_LOOKED_AT_WAITS = (0.005, 0.01, 0.02, 0.04)
"""Seconds between tries while another process looks at the lock, which
takes microseconds.
"""


def make_folder(folder: Path) -> None:
    """Make the data folder durably, for its owner alone.

    Args:
        folder: Its path; one that exists keeps its permissions.

    Raises:
        SetupError: It cannot be made, or is a file.
    """
    try:
        for parent in (*reversed(folder.absolute().parents), folder.absolute()):
            if not parent.is_dir():
                parent.mkdir(mode=0o700 if parent == folder.absolute() else 0o777, exist_ok=True)
                sync_folder(parent.parent)
    except OSError as error:
        reason = "a file is in its place" if isinstance(error, FileExistsError) else error.strerror
        raise SetupError(
            f"the data folder {folder} cannot be made: {reason}; correct that or choose another "
            "folder with ANGARIUM_DATA"
        ) from error


def backup_hint(path: Path) -> str:
    """Name files that may not belong to a restored database.

    Args:
        path: The database's file, which cannot be used as it is.

    Returns:
        The end of a sentence about the `-wal` and `-shm` beside it;
        empty when there is no write-ahead log.
    """
    wal = path.with_name(f"{path.name}-wal")
    if not file_size(wal):
        return ""
    return (
        f"; if it was restored from a backup, {wal} and {path}-shm belong to another database: "
        "move both away and start again"
    )


def file_size(path: Path) -> int:
    """Look up a file's size.

    Args:
        path: The file, which may be missing.

    Returns:
        Bytes, 0 when there is no such file.
    """
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class DataFolderLock:
    """Holds `<folder>/lock` and the folder itself while its block runs.

    The system releases both when the process dies, in whatever way. The
    file names the process, and on a second line the instance if it
    applies the log; a second one finds the folder locked even where
    somebody has removed the file (docs/adr/0005).
    """

    def __init__(self, folder: str | Path, applying: str | None = None) -> None:
        """Name the folder; `with` takes the lock.

        Args:
            folder: What is locked.
            applying: The name of the instance that applies the log
                meanwhile; None when the log only grows.
        """
        self._folder = Path(folder)
        self._applying = applying
        self._descriptors: list[int] = []

    def __enter__(self) -> Self:
        """Take the lock, and make the folder when there is none.

        Returns:
            The lock itself.

        Raises:
            SetupError: Another process holds it, or the folder cannot
                be used.
        """
        make_folder(self._folder)
        path = self._folder / LOCK_NAME
        try:
            # What is there may be a link to a file that must not be
            # truncated.
            descriptor = open_private(path, os.O_RDWR | os.O_CREAT, disposable=True)
        except UnsafeFile as error:
            raise SetupError(f"the lock cannot be taken: {error}") from error
        except OSError as error:
            raise _unusable(path, error) from error
        self._descriptors.append(descriptor)
        try:
            self._take_folder(descriptor)
            self._take(descriptor, path)
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._release()

    def _release(self) -> None:
        """Unlock, and keep the file.

        If it were removed, two processes could lock two files of the
        same name.
        """
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _take_folder(self, descriptor: int) -> None:
        """Lock the folder, on every file system that can lock one."""
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise _unusable(self._folder, error) from error
        self._descriptors.append(folder)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise self._in_use(descriptor) from error
        except OSError:
            # NFS locks only what is open for writing (man 2 flock),
            # which no folder is. There the file alone must do.
            return

    def _in_use(self, descriptor: int) -> SetupError:
        """Return an error that names the process with the lock."""
        return SetupError(
            f"the data folder {self._folder} is in use by another service{_holder(descriptor)}; "
            "stop that one or choose another folder with ANGARIUM_DATA"
        )

    def _take(self, descriptor: int, path: Path) -> None:
        """Lock the file and write this process's id into it."""
        try:
            _lock_patiently(descriptor)
        except BlockingIOError as error:
            raise self._in_use(descriptor) from error
        except OSError as error:
            raise _unusable(path, error) from error
        lines = [str(os.getpid()), *([] if self._applying is None else [self._applying])]
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, "".join(f"{line}\n" for line in lines).encode(), 0)
        except OSError as error:
            raise _unusable(path, error) from error


def applying_instance(folder: Path) -> str | None:
    """Look up which instance applies the log of a folder now.

    Nothing waits for it: it tries the lock and gives it back at once,
    and whoever takes the lock in earnest is patient for that long.

    Args:
        folder: The data folder.

    Returns:
        The name of the instance that holds the lock; None when no
        process holds it, or the one that does applies nothing.

    Raises:
        OSError: The lock cannot be looked at.
    """
    try:
        # Not blocking: somebody may have put a pipe in its place.
        descriptor = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        _, *applying = os.pread(descriptor, _LOCK_BYTES, 0).decode(errors="replace").splitlines()
        return applying[0] if applying else None
    finally:
        os.close(descriptor)
    return None


def _lock_patiently(descriptor: int) -> None:
    """Take a lock that somebody may be looking at for a moment."""
    for wait in _LOOKED_AT_WAITS:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(wait)
        else:
            return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _holder(descriptor: int) -> str:
    """Return the process id in the lock file, in parentheses."""
    text = os.pread(descriptor, _LOCK_BYTES, 0).partition(b"\n")[0]
    return f" (process {text.decode()})" if text.isdigit() else ""


def _unusable(path: Path, error: OSError) -> SetupError:
    """Return an error for a lock that the system refuses."""
    return SetupError(
        f"the lock {path} cannot be taken: {error.strerror}; correct that or choose another "
        "folder with ANGARIUM_DATA"
    )
