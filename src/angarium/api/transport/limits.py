"""The limits of everything that the server holds or waits for.

docs/adr/0007 has the reasons and the sum of the memory.
"""

from dataclasses import dataclass

MAX_CONNECTIONS = 10_000
"""Open connections, if the process may have as many files."""
RECEIVE = 64 * 1024
"""Bytes read from a socket in one call."""
MAX_PENDING = 64 * 1024
"""Received bytes that may wait for the current request to end. With
more the socket is not read.
"""
MAX_UNSENT = 64 * 1024
"""Bytes of responses collected before they are sent. At most these and
one more response are unsent.
"""
BURST = 16
"""Pipelined requests answered before other connections have their turn;
fewer if they take longer than `SLICE_S`.
"""
WRITE_PROGRESS = 16 * 1024
"""Bytes that a slow client must take to get the time limit again."""
IN_HAND_COPIES = 2
"""How many times a body is in memory while its request runs: the body,
and what was made of it for the log or the store.
"""
LARGE_ANSWER = 64 * 1024
"""Bytes of a response that a thread waits to hand over before it makes
another one.
"""
SLICE_S = 0.0005
"""How long ready connections are served before the loop looks who else
is ready. A client that comes in the middle of a slice waits for it
twice: before its request, and before a response from a thread. Time
limits that have passed are acted upon for as long: hundreds of requests
that are late together would keep everybody waiting for their responses.
"""
RESERVED_FILES = 128
"""Descriptors kept for the engine, the log and the listening socket."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """Sizes and time limits of a server, with their defaults.

    Attributes:
        max_in_flight: Concurrent requests, without logins and health
            checks; further ones get 503 `overloaded`.
        max_logins: Concurrent logins, which wait for a thread or are
            being hashed.
        logins_of_address: Maximum for one address among them.
        max_held_bytes: Requests and responses that all connections hold
            together; the one that has waited longest makes room.
            Responses that threads are making are not among them: one
            for each thread, of 3 MiB (docs/adr/0007).
        max_connections: Open connections; None for what the process's
            limit of open files allows.
        idle_timeout_s: Seconds that a connection is kept without a
            request.
        request_timeout_s: Seconds from a request's first byte to its
            last.
        write_timeout_s: Seconds in which a client must take
            WRITE_PROGRESS bytes of its responses, or all that is left.
        linger_timeout_s: Seconds of silence after which a closing
            connection is dropped.
        store_threads: Threads for requests that wait for the store.
        max_store_calls_per_user: Maximum of them for one user's
            requests. A service takes the `Engine`'s.
        crowded_switch_s: Seconds that a busy thread keeps the
            interpreter lock while many requests need the store; None to
            leave the interval alone. A service takes the `Engine`'s.
        hashing_threads: Threads for password hashes.
        health_threads: Threads for health checks.
        store_timeout_s: Seconds until a request that needs the store
            gets 503.
        hashing_timeout_s: Seconds until a login gets 503.
        health_timeout_s: Seconds until a health check gets 503.
    """

    max_in_flight: int = 1024
    max_logins: int = 64
    logins_of_address: int = 4
    max_held_bytes: int = 32 * 1024 * 1024
    max_connections: int | None = None
    idle_timeout_s: float = 60.0
    request_timeout_s: float = 10.0
    write_timeout_s: float = 10.0
    linger_timeout_s: float = 2.0
    store_threads: int = 16
    max_store_calls_per_user: int = 4
    crowded_switch_s: float | None = None
    hashing_threads: int = 1
    health_threads: int = 2
    store_timeout_s: float = 2.0
    hashing_timeout_s: float = 10.0
    health_timeout_s: float = 2.0


def allowed_connections() -> int:
    """Return how many connections the process may hold.

    Raises its soft limit of open files if that is necessary and
    possible.

    Returns:
        At most 10,000; fewer where the limit of open files is lower.
    """
    try:
        import resource
    except ImportError:
        return 512 - RESERVED_FILES
    desired = MAX_CONNECTIONS + RESERVED_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = desired if soft == resource.RLIM_INFINITY else soft
    if soft < desired:
        soft_limit = desired if hard == resource.RLIM_INFINITY else min(hard, desired)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft_limit, hard))
            soft = soft_limit
        except (ValueError, OSError):
            # macOS may refuse what it calls unlimited. Then the soft
            # limit stays.
            pass
    return max(16, min(MAX_CONNECTIONS, soft - RESERVED_FILES))
