"""Protection against DNS rebinding while demo passwords are valid."""

from collections.abc import Iterable

from angarium.api.request_headers import Headers
from angarium.api.values import quote_for_error
from angarium.domain.errors import Code, Refused
from angarium.domain.ip_addresses import parse_address

LOCALHOST = "localhost"
MAX_KNOWN = 64
"""Values of `Host` in the cache of accepted ones; a client can send as
many as there are ports and spellings.
"""


class HostCheck:
    """Refuses requests that were sent to a foreign host name.

    A page of any web site can have its own name lead to this machine's
    address. For the browser the service is then part of that site, and
    no other check stops the page (docs/adr/0023).
    """

    def __init__(self, addresses: Iterable[str], names: Iterable[str] = ()) -> None:
        """Take the service's own addresses and names.

        Args:
            addresses: Names or addresses (without brackets) at which
                it is reached. `0.0.0.0` and `::` stand for every
                address and every name without a dot: no web site can
                have either.
            names: Those of the allowed web origins.
        """
        self._own = {_normalize(each) for each in (LOCALHOST, *addresses, *names)}
        wildcards = {parsed for each in self._own if (parsed := parse_address(each)) is not None}
        self._is_wildcard = any(address.is_unspecified for address in wildcards)
        self._known: set[str] = set()

    def check(self, headers: Headers) -> None:
        """Check a request's `Host`, with any port.

        Args:
            headers: The request's; `Host` is well-formed, and there
                once at most.

        Raises:
            Refused: `misdirected_request`.
        """
        value = headers.get("host")
        # Only HTTP/1.0 allows its absence, and no browser speaks that.
        if value is None or value in self._known:
            return
        if not self._is_own(_normalize(_without_port(value))):
            raise Refused.because(Code.MISDIRECTED_REQUEST, self._detail(value), field="Host")
        if len(self._known) < MAX_KNOWN:
            self._known.add(value)

    def _is_own(self, host: str) -> bool:
        """Return whether a host is the service's own."""
        if host in self._own:
            return True
        address = parse_address(host)
        if address is None:
            return self._is_wildcard and "." not in host
        return self._is_wildcard or address.is_loopback

    def _detail(self, value: str) -> str:
        """Return the error text, with the hosts allowed."""
        own = ", ".join(sorted(self._own - {LOCALHOST}))
        return (
            f"The request was sent to {quote_for_error(value)}. While there are demo users, only "
            f"{LOCALHOST}, loopback addresses and {own} are accepted; use one of them, or name "
            "the origin of that host in ANGARIUM_CORS_ORIGINS."
        )


def _without_port(value: str) -> str:
    """Return the host of a host and port, without brackets."""
    if value.startswith("["):
        return value[1:].partition("]")[0]
    return value.partition(":")[0]


def _normalize(host: str) -> str:
    """Return a host in lower case, an address in its usual form."""
    address = parse_address(host.partition("%")[0])
    return host.lower() if address is None else str(address)
