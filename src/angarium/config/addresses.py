"""How hosts, servers and networks are written."""

import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address
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
    """Where a server listens.

    Attributes:
        host: A name or an address, IPv6 without brackets.
        port: 1 to 65535.
    """

    host: str
    port: int


def host(text: str) -> str:
    """Read a name or an address to listen on, or to be reached at.

    Args:
        text: As it is written, IPv6 with or without brackets.

    Returns:
        The same without brackets; IPv4 where IPv4 is written as IPv6.

    Raises:
        Wrong: The text can be neither.
    """
    bare = _without_brackets(text)
    if not _is_host(bare) or (bare != text and ":" not in bare):
        raise InvalidValue(
            "is neither a host name nor an address",
            "write one without a port, such as 127.0.0.1, ::1 or fe80::1%eth0",
        )
    return _meant(bare)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host.

    Args:
        host: A name or an address.

    Returns:
        True for a loopback address, and for a name that leads to
        loopback addresses alone. A name without an address leads
        nowhere yet, and may lead anywhere later: False.
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
    """Read a list of servers.

    Args:
        text: `host:port,…`.

    Returns:
        One or more.

    Raises:
        Wrong: A part of the list is no `host:port`.
    """
    return tuple(_address(part.strip()) for part in text.split(","))


def networks(text: str) -> tuple[IPNetwork, ...]:
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
    # `urlsplit` takes line ends and tabs out of an address without a
    # word.
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
        raise InvalidValue("is no address of a server", "write one such as http://127.0.0.1:8080")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def origins(text: str) -> tuple[str, ...]:
    """Read a list of web pages' origins.

    Args:
        text: Such as `https://chat.example.org,http://localhost:3000`.

    Returns:
        One or more, as browsers write them: in lower case, without the
        scheme's own port.

    Raises:
        Wrong: A part of the list is no origin.
    """
    return tuple(dict.fromkeys(_origin(part.strip()) for part in text.split(",")))


def _origin(part: str) -> str:
    """Return one origin as browsers write it."""
    if part in ("*", "null"):
        reason = f"has {quote(part)} in it, which stands for pages of anybody"
        raise InvalidValue(reason, f"name each origin, {_ORIGINS}")
    found = _ORIGIN.fullmatch(part.lower())
    if found is None or not _is_host(_without_brackets(found["host"])):
        reason = f"has {quote(part)} in it, no origin"
        raise InvalidValue(reason, f"write scheme and host, and nothing behind them, {_ORIGINS}")
    port = found["port"]
    if port is not None and not 1 <= int(port) <= 65_535:
        raise InvalidValue(f"has the port {quote(port)} in it", "write one from 1 to 65535")
    own_port = {"http": 80, "https": 443}.get(found["scheme"])
    suffix = "" if port is None or int(port) == own_port else f":{int(port)}"
    return f"{found['scheme']}://{found['host']}{suffix}"


def host_of_origin(origin: str) -> str:
    """Take the host out of an origin.

    Args:
        origin: As `origins` gives it.

    Returns:
        A name or an address, IPv6 without brackets.
    """
    return urlsplit(origin).hostname or ""


def _is_host(text: str) -> bool:
    return parse_address(text) is not None or _HOST.fullmatch(text) is not None


def _without_brackets(text: str) -> str:
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


def _meant(host: str) -> str:
    address = parse_address(host)
    return str(address) if isinstance(address, IPv4Address) else host


def _address(part: str) -> Address:
    name, colon, port = part.rpartition(":")
    bare = _without_brackets(name)
    if not colon or not _is_host(bare) or (":" in bare) != (bare != name):
        raise InvalidValue(f"has {quote(part)} in it, no host:port", "write host:port,…")
    if _PORT.fullmatch(port) is None or not 1 <= int(port) <= 65_535:
        raise InvalidValue(
            f"has the port {quote(port)} in it", "write host:port,… with ports from 1 to 65535"
        )
    return Address(_meant(bare), int(port))


def _network(part: str) -> IPNetwork:
    bare = _without_brackets(part)
    network = parse_network(bare)
    if network is not None and "%" not in bare:
        return network
    if "%" in bare and parse_address(bare) is not None:
        raise InvalidValue(
            f"has {quote(part)} in it, an address with a scope",
            f"write {bare.partition('%')[0]}, which stands for it on every interface",
        )
    meant = parse_network(bare, strict=False)
    if meant is None:
        raise InvalidValue(
            f"has {quote(part)} in it, neither an address nor a network",
            "write such as 10.0.0.1,192.168.0.0/16",
        )
    raise InvalidValue(
        f"has {quote(part)} in it, an address inside of a network", f"write {meant} for all of it"
    )
