"""The signing key that a single machine makes for itself."""

import contextlib
import os
import secrets
from pathlib import Path

from angarium.domain.errors import SetupError

SECRET_BYTES = 32
"""As long as the hash it keys (RFC 7518, section 3.2: HS256 wants 256 bits or more)."""


def load_or_create(path: Path) -> str:
    """Read the key from a file that only its owner can read; make it when there is none.

    Args:
        path: The file; its folder exists. Processes that race to make it all get the same key.

    Returns:
        The key, hex digits.

    Raises:
        SetupError: The file cannot be read or written, or holds no key; it is left as it is.
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
    key = path.read_text(encoding="ascii", errors="replace").strip()
    if len(key) < SECRET_BYTES:
        raise SetupError(
            f"{path} holds no signing key of {SECRET_BYTES} characters or more; restore it from a backup, "
            "or remove it and every user logs in again"
        )
    return key


def _create(path: Path) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link never replaces a file: of racing processes the first one's key stands.
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink()


def _unusable(path: Path, error: OSError) -> SetupError:
    return SetupError(
        f"the signing key {path} cannot be used: {error.strerror}; mend its permissions or choose another "
        "folder with ANGARIUM_DATA"
    )
