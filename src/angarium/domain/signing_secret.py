"""What can be the secret that signs tokens."""

MIN_BYTES = 32
"""As long as the hash (RFC 7518, section 3.2: HS256 needs at least 256
bits).
"""

PUBLISHED_SECRET = "INSECURE-demo-secret-that-everybody-can-read"  # noqa: S105 - it is in docker-compose.yml
"""For a trial on one machine: who knows it can forge any token."""


def signing_secret_fault(secret: str) -> str | None:
    """Say why a text cannot be a secret anywhere.

    Args:
        secret: Its UTF-8 bytes are the key.

    Returns:
        What is wrong, as the end of "a secret that …"; None when
        nothing is.
    """
    key = secret.encode()
    if len(key) < MIN_BYTES:
        return f"has {len(key)} bytes"
    if len(set(key)) == 1:
        return "consists of one repeated byte"
    return None


def is_published(secret: str) -> bool:
    """Say whether a secret is public knowledge.

    Args:
        secret: The candidate.

    Returns:
        True for the one of docker-compose.yml, with anything around it.
    """
    return PUBLISHED_SECRET in secret
