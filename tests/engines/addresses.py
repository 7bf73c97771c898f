"""Servers' addresses as settings have them."""

from collections.abc import Sequence


def contact_points(addresses: str) -> Sequence[tuple[str, int]]:
    """Split `host:port,host:port`.

    Args:
        addresses: As in ANGARIUM_CASSANDRA.

    Returns:
        Hosts and ports.
    """
    pairs = (address.rsplit(":", 1) for address in addresses.split(","))
    return [(host, int(port)) for host, port in pairs]
