"""What can be a password."""

MIN_BYTES = 8
"""Of a new one: NIST SP 800-63B, section 5.1.1.1, wants 8
characters.
"""

MAX_BYTES = 1024
"""Far beyond any passphrase, and what a hash must read is bounded."""


RULE = f"choose one of {MIN_BYTES} to {MAX_BYTES:,} bytes, without U+0000"
"""What can be a new password, in words."""


def is_password(text: str) -> bool:
    """Tell whether a text can be somebody's password.

    HMAC, on which scrypt stands, fills short keys up with zeros (RFC
    2104): a password and the same with U+0000 behind it have one hash.

    Args:
        text: The candidate of a login.

    Returns:
        False for a text with U+0000 in it, or of more than 1,024 bytes.
    """
    return "\0" not in text and _size(text) <= MAX_BYTES


def new_password_fault(text: str) -> str | None:
    """Say what keeps a text from being a new password.

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
    return len(text.encode("utf-8", "surrogatepass"))
