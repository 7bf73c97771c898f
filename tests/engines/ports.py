"""Free ports for servers, away from those that the system gives to
outgoing connections.
"""

import random
import socket

_RANGE = range(20_000, 32_000)
_given: set[int] = set()


def free_port(*addresses: str) -> int:
    """Find a port that nobody listens on, and that was not given out in
    this process before.

    Args:
        addresses: It is free on all of them; 127.0.0.1 when none is
            named.

    Returns:
        The port.
    """
    for port in random.sample(_RANGE, len(_RANGE)):
        if port not in _given and all(
            _is_free(address, port) for address in addresses or ("127.0.0.1",)
        ):
            _given.add(port)
            return port
    raise OSError(f"no free port from {_RANGE.start} to {_RANGE.stop} on {addresses}")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as candidate:
        try:
            candidate.bind((address, port))
        except OSError:
            return False
        return True
