"""What can be a password."""

MIN_BYTES = 8
"""Of a new one: NIST SP 800-63B, section 5.1.1.1, asks for 8
characters.
"""

MAX_BYTES = 1024
"""Far beyond any passphrase; it limits what a hash must read."""


RULE = f"choose one of {MIN_BYTES} to {MAX_BYTES:,} bytes, without U+0000"
"""What can be a new password, in words."""


def is_password(text: str) -> bool:
    """Say whether a text can be a user's password.

    HMAC, which scrypt uses, pads short keys with zeros (RFC 2104): a
    password and the same one followed by U+0000 have one hash.

    Args:
        text: The candidate of a login.

    Returns:
        False for a text with U+0000 in it, or of more than 1,024 bytes.
    """
    return "\0" not in text and _size(text) <= MAX_BYTES


def new_password_fault(text: str) -> str | None:
    """Say why a text cannot be a new password.

    Args:
        text: The candidate, in Unicode without lone surrogates.

    Returns:
        What is wrong, as the end of "a password that …"; None when
        nothing is.
    """
    size = _size(text)
    if "\0" in text:
        return "has U+0000 in it"
    if not MIN_BYTES <= size <= MAX_BYTES:
        return f"has {size:,} bytes"
    return None


def _size(text: str) -> int:
    """Return the bytes of UTF-8; a lone surrogate counts three."""
    return len(text.encode("utf-8", "surrogatepass"))
