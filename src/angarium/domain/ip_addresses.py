"""IP addresses as text, and the client that they stand for.

An IPv4 address that is written as IPv6 means the IPv4 one.
"""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

MAPPED = IPv6Network("::ffff:0:0/96")
"""IPv4-mapped IPv6 addresses (RFC 4291, section 2.5.5.2)."""

MAX_CACHED_KEYS = 4096
"""How many addresses are kept with their key, so that a request does
not parse its own again.
"""

_MAPPED_BITS = 96
_CLIENT_BITS = 64
"""A site gets at least a /64 (RFC 6177): a client with one address of
it has them all.
"""


def parse_address(text: str) -> IPAddress | None:
    """Read an address.

    Args:
        text: IPv4, or IPv6 without brackets, with or without a scope.

    Returns:
        The address, IPv4 where IPv4 is written as IPv6; None when the
        text is no address.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return address if mapped is None else mapped


def parse_network(text: str, strict: bool = True) -> IPNetwork | None:
    """Read a network.

    Args:
        text: An address alone, or with the length of its prefix.
        strict: Whether an address inside of a network is refused.

    Returns:
        The network, IPv4 where IPv4 is written as IPv6; None when the
        text is no network.
    """
    try:
        network = ip_network(text, strict)
    except ValueError:
        return None
    if not isinstance(network, IPv6Network) or not network.subnet_of(MAPPED):
        return network
    first = int(network.network_address) & 0xFFFFFFFF
    return IPv4Network((first, network.prefixlen - _MAPPED_BITS))


@lru_cache(MAX_CACHED_KEYS)
def client_key(address: str) -> str:
    """Name the client that an address belongs to, for all limits.

    Args:
        address: As the connection or a proxy names it.

    Returns:
        The same text for all addresses that one client may choose from:
        an IPv4 address, or an IPv6 network of 64 bits. A text that is
        no address is returned as it is.
    """
    parsed = parse_address(address)
    if parsed is None:
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    return f"{int(parsed) >> _CLIENT_BITS:x}/{_CLIENT_BITS}"


def is_loopback(address: str) -> bool:
    """Say whether only this machine can reach an address.

    Args:
        address: As it is written.

    Returns:
        True for 127.0.0.0/8 and ::1, also where IPv4 is written as
        IPv6.
    """
    parsed = parse_address(address)
    return parsed is not None and parsed.is_loopback
