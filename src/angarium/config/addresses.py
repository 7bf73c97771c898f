"""Settings that are hosts, servers, networks or origins."""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from angarium.config.values import InvalidValue, check_no_control_characters, quote
from angarium.domain import ip_addresses
from angarium.domain.ip_addresses import IPNetwork, parse_address, parse_network

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_PORT = re.compile(r"[0-9]{1,5}")
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)
_ORIGINS = "such as https://chat.example.org,http://localhost:3000"


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port.

    Attributes:
        host: A name or an address, IPv6 without brackets.
        port: 1 to 65535.
    """

    host: str
    port: int


def host(text: str) -> str:
    """Parse a host name or an address, without a port.

    Args:
        text: As it is written, IPv6 with or without brackets.

    Returns:
        The same without brackets; IPv4 where it is written as IPv6.

    Raises:
        InvalidValue: The text is neither.
    """
    bare = _without_brackets(text)
    if not _is_host(bare) or (bare != text and ":" not in bare):
        raise InvalidValue(
            "is neither a host name nor an address",
            "write one without a port, such as 127.0.0.1, ::1 or fe80::1%eth0",
        )
    return _as_ipv4(bare)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a host.

    Args:
        host: A name or an address.

    Returns:
        True for a loopback address, and for a name that resolves to
        loopback addresses only. A name without an address may get
        any address later: False.
    """
    if host.lower() == "localhost":
        return True
    if parse_address(host) is not None:
        return ip_addresses.is_loopback(host)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(ip_addresses.is_loopback(str(address[0])) for *_, address in found)


def addresses(text: str) -> tuple[Address, ...]:
    """Parse a list of servers.

    Args:
        text: `host:port,…`.

    Returns:
        One or more.

    Raises:
        InvalidValue: A part of the list is not `host:port`.
    """
    return tuple(_address(part.strip()) for part in text.split(","))


def networks(text: str) -> tuple[IPNetwork, ...]:
    """Parse a list of networks.

    Args:
        text: Addresses and networks, such as `10.0.0.1,192.168.0.0/16`.

    Returns:
        One or more.

    Raises:
        InvalidValue: A part of the list is neither.
    """
    return tuple(_network(part.strip()) for part in text.split(","))


def web_address(text: str) -> str:
    """Parse the URL of an HTTP server.

    Args:
        text: As it is written.

    Returns:
        The URL without a slash at its end.

    Raises:
        InvalidValue: The text is not such a URL.
    """
    # `urlsplit` silently removes line ends and tabs.
    check_no_control_characters(text)
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
        parts = urlsplit("")
    if (
        not usable
        or parts.query
        or parts.fragment
        or parts.username is not None
        or not text.isascii()
    ):
        raise InvalidValue(
            "is not the address of a server", "write one such as http://127.0.0.1:8080"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def origins(text: str) -> tuple[str, ...]:
    """Parse a list of web origins.

    Args:
        text: Such as `https://chat.example.org,http://localhost:3000`.

    Returns:
        One or more, as browsers write them: in lower case, without the
        scheme's own port, an IPv6 address in its shortest form.

    Raises:
        InvalidValue: A part of the list is not an origin.
    """
    return tuple(dict.fromkeys(_origin(part.strip()) for part in text.split(",")))


def _origin(part: str) -> str:
    """Parse one origin, written as browsers write it."""
    if part in ("*", "null"):
        reason = f"contains {quote(part)}, which would allow the pages of any site"
        raise InvalidValue(reason, f"name each origin, {_ORIGINS}")
    found = _ORIGIN.fullmatch(part.lower())
    if found is None or not _is_host(_without_brackets(found["host"])):
        reason = f"contains {quote(part)}, which is not an origin"
        raise InvalidValue(reason, f"write scheme and host, and nothing after them, {_ORIGINS}")
    port = found["port"]
    if port is not None and not 1 <= int(port) <= 65_535:
        raise InvalidValue(f"contains the port {quote(port)}", "write one from 1 to 65535")
    own_port = {"http": 80, "https": 443}.get(found["scheme"])
    suffix = "" if port is None or int(port) == own_port else f":{int(port)}"
    host = parse_address(_without_brackets(found["host"]))
    shown = f"[{host}]" if isinstance(host, IPv6Address) else found["host"]
    return f"{found['scheme']}://{shown}{suffix}"


def host_of_origin(origin: str) -> str:
    """Return the host of an origin.

    Args:
        origin: As `origins` returns it.

    Returns:
        A name or an address, IPv6 without brackets.
    """
    return urlsplit(origin).hostname or ""


def _is_host(text: str) -> bool:
    """Return whether a text is an address or looks like a name."""
    return parse_address(text) is not None or _HOST.fullmatch(text) is not None


def _without_brackets(text: str) -> str:
    """Remove the brackets around an IPv6 address."""
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def _as_ipv4(host: str) -> str:
    """Return an IPv4 address for one that is written as IPv6."""
    address = parse_address(host)
    return str(address) if isinstance(address, IPv4Address) else host


def _address(part: str) -> Address:
    """Parse one `host:port`."""
    name, colon, port = part.rpartition(":")
    bare = _without_brackets(name)
    if not colon or not _is_host(bare) or (":" in bare) != (bare != name):
        raise InvalidValue(f"contains {quote(part)}, which is not host:port", "write host:port,…")
    if _PORT.fullmatch(port) is None or not 1 <= int(port) <= 65_535:
        raise InvalidValue(
            f"contains the port {quote(port)}", "write host:port,… with ports from 1 to 65535"
        )
    return Address(_as_ipv4(bare), int(port))


def _network(part: str) -> IPNetwork:
    """Parse one network; an error proposes what was meant."""
    bare = _without_brackets(part)
    network = parse_network(bare)
    if network is not None and "%" not in bare:
        return network
    if "%" in bare and parse_address(bare) is not None:
        raise InvalidValue(
            f"contains {quote(part)}, an address with a scope",
            f"write {bare.partition('%')[0]}, which covers it on every interface",
        )
    meant = parse_network(bare, strict=False)
    if meant is None:
        raise InvalidValue(
            f"contains {quote(part)}, which is neither an address nor a network",
            "write for example 10.0.0.1,192.168.0.0/16",
        )
    raise InvalidValue(
        f"contains {quote(part)}, an address inside a network", f"write {meant} for all of it"
    )
