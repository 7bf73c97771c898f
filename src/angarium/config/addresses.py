"""How hosts, servers and networks are written."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from angarium.config.values import Wrong, quoted

Network = IPv4Network | IPv6Network

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens.

    Attributes:
        host: A name or an address, IPv6 without brackets.
        port: 1 to 65535.
    """

    host: str
    port: int


def host(text: str) -> str:
    """Read a name or an address to listen on.

    Args:
        text: As it is written.

    Returns:
        The same.

    Raises:
        Wrong: The text can be neither.
    """
    if not _is_host(text):
        raise Wrong(
            "is neither a host name nor an address",
            "write one without port and brackets, such as 127.0.0.1 or ::1",
        )
    return text


def published_host(text: str) -> str:
    """Read the address at which something is published, as Compose writes it.

    Args:
        text: A name or an address, IPv6 with or without brackets.

    Returns:
        The same without brackets.

    Raises:
        Wrong: The text can be neither.
    """
    inside = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return host(inside)


def addresses(text: str) -> tuple[Address, ...]:
    """Read a list of servers.

    Args:
        text: `host:port,…`.

    Returns:
        One or more.

    Raises:
        Wrong: A part of the list is no `host:port`.
    """
    return tuple(_address(part.strip()) for part in text.split(","))


def networks(text: str) -> tuple[Network, ...]:
    """Read a list of networks.

    Args:
        text: Addresses and networks, such as `10.0.0.1,192.168.0.0/16`.

    Returns:
        One or more.

    Raises:
        Wrong: A part of the list is neither.
    """
    return tuple(_network(part.strip()) for part in text.split(","))


def web_address(text: str) -> str:
    """Read the address of a server that speaks HTTP.

    Args:
        text: As it is written.

    Returns:
        The address without a slash behind it.

    Raises:
        Wrong: The text is no such address.
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if not usable or parts.query or parts.fragment or parts.username is not None or not text.isascii():
        raise Wrong("is no address of a server", "write one such as http://127.0.0.1:8080")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _is_host(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return _HOST.fullmatch(text) is not None
    return True


def _address(part: str) -> Address:
    name, colon, port = part.rpartition(":")
    bare = name[1:-1] if name.startswith("[") and name.endswith("]") else name
    if not colon or not _is_host(bare) or (":" in bare) != (bare != name):
        raise Wrong(f"has {quoted(part)} in it, no host:port", "write host:port,…")
    if _PORT.fullmatch(port) is None or not 1 <= int(port) <= 65_535:
        raise Wrong(f"has the port {quoted(port)} in it", "write host:port,… with ports from 1 to 65535")
    return Address(bare, int(port))


def _network(part: str) -> Network:
    try:
        return ip_network(part)
    except ValueError:
        pass
    try:
        meant = ip_network(part, strict=False)
    except ValueError:
        raise Wrong(
            f"has {quoted(part)} in it, neither an address nor a network",
            "write such as 10.0.0.1,192.168.0.0/16",
        ) from None
    raise Wrong(f"has {quoted(part)} in it, an address inside of a network", f"write {meant} for all of it")
