"""The client's address, directly or through trusted proxies."""

from collections.abc import Sequence

from angarium.domain.ip_addresses import IPAddress, IPNetwork, parse_address
from angarium.services.lru_cache import LruCache

MAX_CACHED = 4096
"""Addresses in the cache: about 2 MiB at most."""

MAX_CACHED_CHARACTERS = 128
"""Longest `X-Forwarded-For` in the cache: some addresses. Clients can
send any text there, of any length.
"""


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[IPNetwork]) -> str:
    """Find the client's address, through trusted proxies.

    Each proxy appends the address that called it to `X-Forwarded-For`.
    So the list is read from its end for as long as the proxies are
    trusted. What comes before that may be forged.

    Args:
        peer: The other end of the connection.
        forwarded_for: Every `X-Forwarded-For` field, in the order in
            which they were sent.
        trusted: The proxies whose field is trusted.

    Returns:
        The nearest address that is not a trusted proxy, or the
        farthest proxy if all are trusted. IPv4 inside IPv6 is
        returned as IPv4.
    """
    client = _parse(peer)
    if client is None:
        return peer
    hops = [hop for value in forwarded_for for hop in value.split(",")] if trusted else []
    while hops and _is_trusted(client, trusted):
        farther = _parse(hops.pop())
        if farther is None:
            break
        client = farther
    return str(client)


class ClientAddresses:
    """Finds client addresses, and caches the results."""

    def __init__(self, trusted: Sequence[IPNetwork]) -> None:
        """Take the proxies to trust.

        Args:
            trusted: The proxies whose field is trusted.
        """
        self._trusted = tuple(trusted)
        self._known: LruCache[tuple[str, str], str] = LruCache(MAX_CACHED)

    def of(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Find the client of a request, as `client_address` does.

        Args:
            peer: The other end of the connection.
            forwarded_for: Every `X-Forwarded-For` field, in the order
                in which they were sent.

        Returns:
            The client's address.
        """
        forwarded = ",".join(forwarded_for) if self._trusted else ""
        if len(forwarded) > MAX_CACHED_CHARACTERS:
            return client_address(peer, forwarded_for, self._trusted)
        client = self._known.get((peer, forwarded))
        if client is None:
            client = client_address(peer, forwarded_for, self._trusted)
            self._known.put((peer, forwarded), client)
        return client


def _is_trusted(address: IPAddress, trusted: Sequence[IPNetwork]) -> bool:
    """Return whether one of the trusted networks has the address."""
    return any(address in network for network in trusted)


def _parse(text: str) -> IPAddress | None:
    """Parse one hop, with or without port and brackets."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return parse_address(text)
