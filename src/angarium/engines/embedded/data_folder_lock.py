"""One service a data folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from angarium.domain.errors import SetupError
from angarium.engines.embedded.data_folder import make_folder


class DataFolderLock:
    """Holds `<folder>/lock` while its block runs; the system lets go of it when the process dies, however."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._descriptor: int | None = None

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
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            self._take(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The file stays: removing it would let two processes lock two files of one name.
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _take(self, descriptor: int, path: Path) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SetupError(
                f"the data folder {self._folder} is in use by another service{_holder(descriptor)}; "
                "stop that one or choose another folder with ANGARIUM_DATA"
            ) from error
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
