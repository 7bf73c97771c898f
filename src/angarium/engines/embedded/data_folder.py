"""The folder that holds everything the embedded engine keeps."""

from pathlib import Path

from angarium.domain.errors import SetupError
from angarium.file_safety import sync_folder


def make_folder(folder: Path) -> None:
    """Make the data folder durably, for its owner alone, unless it is there.

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
    """Name what may not belong to a database that was put back from a backup.

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
        f"; if it was put back, {wal} and {path}-shm belong to another database: move both away, start again"
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
