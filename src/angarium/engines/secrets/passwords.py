"""Password hashes: scrypt, written as PHC strings (docs/adr/0011)."""

import hashlib
import hmac
import os
import re
import threading
from base64 import b64decode, b64encode
from binascii import Error as DecodeError
from dataclasses import dataclass
from typing import Protocol

from angarium import deadline
from angarium.domain.errors import Code, Refused

DEFAULT_LOG_N = 14
DEFAULT_R = 8
DEFAULT_P = 5
"""OWASP, Password Storage Cheat Sheet, scrypt: of five equally strong
settings the one with 16 MiB.
"""

MIN_MEMORY_BLOCKS = 2**13 * 8
"""n * r of the smallest of OWASP's settings (2^13, 8, 10): 8 MiB. Less
is neither slow nor memory-hard.
"""

MAX_MEMORY_BLOCKS = 2**17 * 8
"""n * r of OWASP's largest setting: 128 MiB for one login."""

MAX_COST = 2**22
"""n * r * p: about six times the default, so that no imported hash
holds a thread for long.
"""

SALT_BYTES = 16
"""128 bits, as NIST SP 800-132, section 5.1, asks for."""

HASH_BYTES = 32
"""256 bits, more than any password has."""

WAIT_S = 10.0
"""The maximum that a login waits for others, where no deadline is
nearer (docs/adr/0007).
"""

_PHC = re.compile(
    r"\$scrypt\$ln=([1-9][0-9]?),r=([1-9][0-9]{0,7}),p=([1-9][0-9]{0,7})"
    r"\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)


class Derive(Protocol):
    """The form of `hashlib.scrypt`."""

    def __call__(
        self, password: bytes, /, *, salt: bytes, n: int, r: int, p: int, maxmem: int, dklen: int
    ) -> bytes:
        """Derive a key.

        Args:
            password: The password's bytes.
            salt: Random bytes, another for each hash.
            n: Cost, a power of two.
            r: Block size.
            p: Parallelism.
            maxmem: Bytes that the derivation may take.
            dklen: Bytes to derive.

        Returns:
            The key.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Hash:
    """A PHC string taken apart.

    Attributes:
        log_n: The exponent of the cost n.
        r: Block size.
        p: Parallelism.
        salt: As it was stored.
        digest: The derived key; its length is what a check derives.
    """

    log_n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    @property
    def n(self) -> int:
        """The cost: 128 * n * r bytes are filled and read back."""
        return 1 << self.log_n

    @property
    def cost(self) -> int:
        """Block operations in all: its time is in proportion."""
        return self.n * self.r * self.p


class ScryptHasher:
    """Implements `ports.identity.PasswordHasher`, a few at a time."""

    def __init__(self, parallelism: int = 2, derive: Derive = hashlib.scrypt) -> None:
        """Set the limit of concurrent derivations.

        Args:
            parallelism: The maximum; each takes a core and up to 128
                MiB.
            derive: Instead of `hashlib.scrypt`.
        """
        self._turns = threading.BoundedSemaphore(parallelism)
        self._derive = derive
        # Random bytes are no derivation of any password.
        self._dummy = _Hash(
            DEFAULT_LOG_N, DEFAULT_R, DEFAULT_P, os.urandom(SALT_BYTES), os.urandom(HASH_BYTES)
        )

    def hash(self, password: str) -> str:
        """Implements `PasswordHasher.hash`: n=2^14, r=8, p=5."""
        form = _Hash(
            DEFAULT_LOG_N, DEFAULT_R, DEFAULT_P, os.urandom(SALT_BYTES), b"\0" * HASH_BYTES
        )
        digest = self._digest(password, form)
        cost = f"ln={form.log_n},r={form.r},p={form.p}"
        return f"$scrypt${cost}${_encode(form.salt)}${_encode(digest)}"

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Implements `PasswordHasher.verify`, in constant time."""
        kept = _parse(password_hash) if password_hash is not None else None
        compared = kept or self._dummy
        matches = hmac.compare_digest(self._digest(password, compared), compared.digest)
        self._level(password, compared.cost)
        return matches and kept is not None

    def is_hash(self, text: str) -> bool:
        """Implements `PasswordHasher.is_hash` for scrypt alone."""
        return _parse(text) is not None

    def _level(self, password: str, spent: int) -> None:
        """Make a check of a cheap hash take as long as the default.

        A cheaper, imported hash would answer sooner than an unknown
        user, and so reveal that the user exists. The least accepted
        memory has the finest steps: costs differ by whole multiples of
        it.
        """
        p = (self._dummy.cost - spent) // MIN_MEMORY_BLOCKS
        if p > 0:
            self._digest(password, _Hash(13, 8, p, self._dummy.salt, self._dummy.digest))

    def _digest(self, password: str, form: _Hash) -> bytes:
        """Derive a key, once fewer than the maximum are derived."""
        if not self._turns.acquire(timeout=deadline.remaining(WAIT_S)):
            raise Refused.because(
                Code.OVERLOADED,
                "Too many passwords are being checked; try again in a second.",
                retry_after=1,
            )
        try:
            return self._derive(
                # No password has a lone surrogate, but a candidate may,
                # and must not raise.
                password.encode("utf-8", "surrogatepass"),
                salt=form.salt,
                n=form.n,
                r=form.r,
                p=form.p,
                # What OpenSSL compares with the limit: the sum of its
                # three buffers (EVP_PBE_scrypt).
                maxmem=128 * form.r * (form.n + form.p + 2),
                dklen=len(form.digest),
            )
        finally:
            self._turns.release()


def _parse(text: str) -> _Hash | None:
    """Return a PHC string taken apart, None outside the bounds."""
    match = _PHC.fullmatch(text)
    if match is None:
        return None
    log_n, r, p = (int(number) for number in match.group(1, 2, 3))
    try:
        salt, digest = _decode(match[4]), _decode(match[5])
    except DecodeError:
        return None
    # RFC 7914, section 2: n < 2^(128 * r / 8).
    if log_n >= 16 * r:
        return None
    parsed = _Hash(log_n, r, p, salt, digest)
    memory_is_bounded = MIN_MEMORY_BLOCKS <= parsed.n * r <= MAX_MEMORY_BLOCKS
    return parsed if memory_is_bounded and parsed.cost <= MAX_COST else None


def _encode(data: bytes) -> str:
    """Return bytes in base64 without padding, as PHC strings have."""
    return b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Return the bytes of base64 without padding; refuse others."""
    return b64decode(text + "=" * (-len(text) % 4), validate=True)
