"""What can be the secret that signs tokens."""

MIN_BYTES = 32
"""As long as the hash that it keys (RFC 7518, section 3.2: HS256 wants
256 bits or more)."""

PUBLISHED_SECRET = "INSECURE-demo-secret-that-everybody-can-read"  # noqa: S105 - it is in docker-compose.yml
"""For trying out on one machine. Whoever knows it can be anybody."""


def signing_secret_fault(secret: str) -> str | None:
    """Say what keeps a text from being a secret anywhere.

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
        return "is one byte over and over"
    return None


def is_published(secret: str) -> bool:
    """Tell whether everybody can know a secret.

    Args:
        secret: The candidate.

    Returns:
        True for the one of docker-compose.yml, whatever stands around
        it.
    """
    return PUBLISHED_SECRET in secret
