"""Finds the socket address that a server binds, and its URL."""

import socket
from collections.abc import Callable, Sequence

SocketAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
"""`(host, port)` for IPv4, `(host, port, flow, scope)` for IPv6. The
third form is that of a Python without IPv6.
"""

Lookup = Callable[
    [str, int, socket.AddressFamily, socket.SocketKind],
    Sequence[tuple[socket.AddressFamily, socket.SocketKind, int, str, SocketAddress]],
]
"""The part of `socket.getaddrinfo` that is used."""


def resolve_listening_address(
    host: str, port: int, lookup: Lookup = socket.getaddrinfo
) -> tuple[socket.AddressFamily, SocketAddress]:
    """Find the address to bind for a name or an address.

    Args:
        host: A name, an IPv4 or an IPv6 address, which may have a scope
            (`fe80::1%eth0`).
        port: 0 for a free one.
        lookup: Instead of `socket.getaddrinfo`.

    Returns:
        The family, and the address in its form; IPv4 if a name has
        both.

    Raises:
        OSError: The name has no address, or there is no interface of
            the scope's name.
    """
    try:
        found = lookup(host, port, socket.AF_UNSPEC, socket.SOCK_STREAM)
    except UnicodeError as error:
        # Python raises it if a part of the name is empty or too long.
        raise OSError(f"{host} is not a valid host name") from error
    by_family = {family: address for family, _, _, _, address in reversed(found)}
    for family in (socket.AF_INET, socket.AF_INET6):
        if family in by_family:
            return family, by_family[family]
    raise OSError(f"{host} has neither an IPv4 nor an IPv6 address")


def url_of(address: tuple[object, ...]) -> str:
    """Return the URL of a bound address.

    Args:
        address: As `getsockname` returns it.

    Returns:
        `http://host:port`; IPv6 in brackets, a scope after `%25` (RFC
        6874).
    """
    host, port = address[:2]
    name = host.decode() if isinstance(host, bytes) else str(host)
    if ":" not in name:
        return f"http://{name}:{port}"
    scope = address[3] if len(address) > 3 else 0
    zone = f"%25{socket.if_indextoname(scope)}" if isinstance(scope, int) and scope else ""
    return f"http://[{name}{zone}]:{port}"
