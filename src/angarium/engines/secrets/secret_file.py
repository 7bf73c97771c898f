"""The signing key that a single machine makes for itself."""

import contextlib
import os
import secrets
from pathlib import Path

from angarium.domain.errors import SetupError
from angarium.domain.signing_secret import MIN_BYTES, signing_secret_fault
from angarium.file_safety import PRIVATE_MODE, UnsafeFile, open_private, sync_folder

MAX_FILE_BYTES = 64 * 1024
"""Far beyond any key, so that no other file is read into memory by
mistake.
"""


def load_or_create(path: Path) -> str:
    """Read the key from a file, or create the file with a new one.

    Only its owner may read it (docs/adr/0011).

    Args:
        path: The file; its folder exists. Processes that create it at
            the same time all get the same key.

    Returns:
        The key, hex digits.

    Raises:
        SetupError: The file cannot be read or written, others may read
            or write it, or it holds no key; it is left as it is.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        _create(path)
        return _read(path)
    except OSError as error:
        raise _unusable(path, error) from error


def _read(path: Path) -> str:
    """Read the key from a file that belongs to this user alone.

    Args:
        path: The file.

    Returns:
        The key, without the white space around it.

    Raises:
        SetupError: Others may read or write the file, or it holds no
            key.
        OSError: It cannot be read.
    """
    try:
        descriptor = open_private(path, os.O_RDONLY)
    except UnsafeFile as error:
        raise SetupError(f"the signing key is not safe: {error}") from error
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(MAX_FILE_BYTES + 1)
    # An editor on Windows may have added a byte order mark.
    key = content.decode("utf-8-sig", "replace").strip()
    fault = _fault(content, key)
    if fault is not None:
        raise SetupError(
            f"{path} holds no signing key of {MIN_BYTES} bytes or more: its content {fault}; "
            "restore it from a backup, or remove it, and every user has to log in again"
        )
    return key


def _fault(content: bytes, key: str) -> str | None:
    """Say why the content of the file is not a key.

    Args:
        content: What was read.
        key: The same as text, without the white space around it.

    Returns:
        What is wrong, None when nothing is.
    """
    if len(content) > MAX_FILE_BYTES:
        return f"has more than {MAX_FILE_BYTES:,} bytes"
    if "\ufffd" in key:
        return "is not UTF-8"
    fault = signing_secret_fault(key)
    if fault is None and not key.isprintable():
        return "has control characters"
    return fault


def _create(path: Path) -> None:
    """Create the file durably, unless another process already has.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be created.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(MIN_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces a file: the first process's key stays.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()
    # Without this, a power cut could lose the key and end every login.
    sync_folder(path.parent)


def _unusable(path: Path, error: OSError) -> SetupError:
    """Make the error for a file that the system refuses."""
    return SetupError(
        f"the signing key {path} cannot be used: {error.strerror}; correct its permissions, or "
        "choose another folder with ANGARIUM_DATA"
    )
