"""A password hasher that costs nothing."""

import hashlib
from itertools import count


class CheapHasher:
    """Salts and hashes once with SHA-256; remembers what it was asked
    to verify.
    """

    def __init__(self) -> None:
        self._salts = count(1)
        self.verified: list[str | None] = []

    def hash(self, password: str) -> str:
        return _hash(password, f"{next(self._salts):08x}")

    def verify(self, password: str, password_hash: str | None) -> bool:
        self.verified.append(password_hash)
        if password_hash is None or not self.is_hash(password_hash):
            return False
        return _hash(password, password_hash.split("$")[2]) == password_hash

    def is_hash(self, text: str) -> bool:
        parts = text.split("$")
        return len(parts) == 4 and parts[:2] == ["", "cheap"] and len(parts[3]) == 64


def _hash(password: str, salt: str) -> str:
    digest = hashlib.sha256((salt + password).encode("utf-8", "surrogatepass")).hexdigest()
    return f"$cheap${salt}${digest}"
