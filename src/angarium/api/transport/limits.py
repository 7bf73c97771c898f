"""The bounds of everything that the server holds or waits for."""

from dataclasses import dataclass

MAX_CONNECTIONS = 10_000
RECEIVE = 64 * 1024
"""Bytes taken off a socket at once."""
MAX_PENDING = 64 * 1024
"""Bytes that may wait behind the request in hand before its socket is
left unread.
"""
MAX_UNSENT = 64 * 1024
"""Bytes of answers that are gathered before they are sent: with one
answer more, all that may wait.
"""
BURST = 16
"""Pipelined requests that are answered before other connections have
their turn; fewer where they take longer than the loop's slice."""
WRITE_PROGRESS = 16 * 1024
"""Bytes that a slow reader must take to be given as much time again."""
IN_HAND_COPIES = 2
"""How often the bytes of a body are there while its request is in hand:
the body, and then what was made of it for the log or the store."""
LARGE_ANSWER = 64 * 1024
"""Bytes of an answer with which a thread that has made it makes no
other until the server's thread has taken it over.
"""
RESERVED_FILES = 128
"""Descriptors left for the engine, the log and the listening socket."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """How much at once, and how long.

    Attributes:
        max_in_flight: Requests in hand, logins and health checks apart;
            one more is 503 `overloaded`.
        max_logins: Logins that wait for their hash or are being hashed;
            they do not count as in hand.
        logins_of_address: Of one address, among them.
        max_held: Bytes of requests and answers that all connections
            hold together; whoever has waited longest makes room for
            more. What the store's threads are making comes on top: each
            makes one answer at a time, of 3 MiB while it is made
            (docs/adr/0007).
        max_connections: Open connections; None takes what the process's
            limit of open files allows.
        idle_timeout: Seconds that a connection is kept without a
            request.
        request_timeout: Seconds from a request's first byte to its
            last.
        write_timeout: Seconds that a client may take none of an answer.
        linger_timeout: Seconds that a closing connection may be silent
            before it is dropped.
        store_threads: Threads for requests that wait for the store.
        store_threads_of_user: Of them, those that one user's requests
            may take at a time.
        hashing_threads: Threads for password hashes.
        health_threads: Threads for health checks.
        store_timeout: Seconds in which a request that needs the store
            is answered.
        hashing_timeout: Seconds in which a login is answered.
        health_timeout: Seconds in which a health check is answered.
    """

    max_in_flight: int = 1024
    max_logins: int = 64
    logins_of_address: int = 4
    max_held: int = 32 * 1024 * 1024
    max_connections: int | None = None
    idle_timeout: float = 60.0
    request_timeout: float = 10.0
    write_timeout: float = 10.0
    linger_timeout: float = 2.0
    store_threads: int = 16
    store_threads_of_user: int = 4
    hashing_threads: int = 1
    health_threads: int = 2
    store_timeout: float = 2.0
    hashing_timeout: float = 10.0
    health_timeout: float = 2.0


def allowed_connections() -> int:
    """Tell how many connections the process may hold, raising its soft
    limit of open files where it can.

    Returns:
        At most 10,000; fewer where the limit of open files is lower.
    """
    try:
        import resource
    except ImportError:
        return 512 - RESERVED_FILES
    wanted = MAX_CONNECTIONS + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = wanted if soft == resource.RLIM_INFINITY else soft
    if soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
        except (ValueError, OSError):
            # macOS may refuse what it calls unlimited; then the soft
            # limit stays as it is.
            pass
    return max(16, min(MAX_CONNECTIONS, soft - RESERVED_FILES))
