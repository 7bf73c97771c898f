"""Whose address a request comes from, behind proxies or not."""

from collections.abc import Sequence

from angarium.domain.ip_addresses import IPAddress, IPNetwork, parse_address
from angarium.services.lru_cache import LruCache

REMEMBERED = 4096
MAX_REMEMBERED = 128
"""Characters of `X-Forwarded-For`: an address or a few. A client writes
there what it likes, and as much.
"""


def client_address(peer: str, forwarded_for: Sequence[str], trusted: Sequence[IPNetwork]) -> str:
    """Find the client behind trusted proxies.

    Each proxy adds the address it was called from at the end of
    `X-Forwarded-For`, so the list is read from its end for as long as
    the proxies are trusted; what stands before was written by somebody
    else.

    Args:
        peer: The other end of the connection.
        forwarded_for: Every `X-Forwarded-For` field, in the order in
            which they were sent.
        trusted: The proxies that are believed.

    Returns:
        The nearest address that is no trusted proxy; the farthest proxy
        when there is none. An IPv4 address inside IPv6 is shown as
        IPv4.
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
    """Finds clients behind trusted proxies, and remembers those that it
    has found.
    """

    def __init__(self, trusted: Sequence[IPNetwork]) -> None:
        """Set whom to believe.

        Args:
            trusted: The proxies that are believed.
        """
        self._trusted = tuple(trusted)
        self._known: LruCache[tuple[str, str], str] = LruCache(REMEMBERED)

    def of(self, peer: str, forwarded_for: Sequence[str]) -> str:
        """Find the client of a request, as `client_address` does.

        Args:
            peer: The other end of the connection.
            forwarded_for: Every `X-Forwarded-For` field, in the order
                in which they were sent.

        Returns:
            The client's address.
        """
        told = ",".join(forwarded_for) if self._trusted else ""
        if len(told) > MAX_REMEMBERED:
            return client_address(peer, forwarded_for, self._trusted)
        client = self._known.get((peer, told))
        if client is None:
            client = client_address(peer, forwarded_for, self._trusted)
            self._known.put((peer, told), client)
        return client


def _is_trusted(address: IPAddress, trusted: Sequence[IPNetwork]) -> bool:
    return any(address in network for network in trusted)


def _parse(text: str) -> IPAddress | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return parse_address(text)
