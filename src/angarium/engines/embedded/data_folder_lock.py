"""One service a data folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from angarium.domain.errors import SetupError
from angarium.engines.embedded.data_folder import make_folder
from angarium.file_safety import UnsafeFile, open_private


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
            SetupError: Another process holds it, or the folder cannot be used.
        """
        make_folder(self._folder)
        path = self._folder / "lock"
        try:
            # What is there may be a link to a file that must not be truncated.
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
        """Unlock; the file stays: without it two processes would lock two files of one name."""
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
            # NFS locks only what is open for writing (man 2 flock), which
            # no folder is. There the file alone must do.
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
