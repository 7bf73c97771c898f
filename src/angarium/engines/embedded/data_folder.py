"""The folder that holds everything the embedded engine keeps."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from angarium.domain.errors import SetupError
from angarium.file_safety import UnsafeFile, open_private, sync_folder


def make_folder(folder: Path) -> None:
    """Make the data folder durably, for its owner alone, unless it is
    there.

    Args:
        folder: Where; one that exists keeps its permissions.

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
            f"the data folder {folder} cannot be made: {reason}; "
            "mend that or choose another folder with ANGARIUM_DATA"
        ) from error


def backup_hint(path: Path) -> str:
    """Name what may not belong to a database that was put back from a
    backup.

    Args:
        path: The database's file, which cannot be used as it is.

    Returns:
        The end of a sentence about the `-wal` and `-shm` beside it,
        empty when no write-ahead log is there.
    """
    wal = path.with_name(f"{path.name}-wal")
    if not file_size(wal):
        return ""
    return (
        f"; if it was put back, {wal} and {path}-shm belong to another database: "
        "move both away, start again"
    )


def file_size(path: Path) -> int:
    """Look up how long a file is.

    Args:
        path: Which.

    Returns:
        Bytes, 0 when there is no such file.
    """
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


class DataFolderLock:
    """Holds `<folder>/lock` and the folder itself while its block runs.

    The system lets go of both when the process dies, however. The file
    names the process; a second one finds the folder locked even where
    somebody has removed the file (docs/adr/0005).
    """

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
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
        path = self._folder / "lock"
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
            self._let_go()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._let_go()

    def _let_go(self) -> None:
        """Unlock; the file stays: without it two processes would lock
        two files of one name.
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
        """Return an error that says who holds the folder."""
        return SetupError(
            f"the data folder {self._folder} is in use by another service{_holder(descriptor)}; "
            "stop that one or choose another folder with ANGARIUM_DATA"
        )

    def _take(self, descriptor: int, path: Path) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise self._in_use(descriptor) from error
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            raise _unusable(path, error) from error


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 32, 0).strip()
    return f" (process {text.decode()})" if text.isdigit() else ""


def _unusable(path: Path, error: OSError) -> SetupError:
    return SetupError(
        f"the lock {path} cannot be taken: {error.strerror}; "
        "mend that or choose another folder with ANGARIUM_DATA"
    )
