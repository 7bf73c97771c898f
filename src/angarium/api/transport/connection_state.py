"""The states of a connection, and how it gets from one to the other.

state       it is                     its bytes are       time limit
----------  ------------------------  ------------------  -------------
HEAD        between two requests, or  a head's            60 s idle;
            reading a head                                10 s a request
BODY        reading a body            the body's          the same 10 s
RUNNING     waiting for the response  kept, up to 64 KiB  the request's
DISCARDING  reading away the body of  thrown away         the same 10 s
            a refused request
LINGERING   finished; waiting for     thrown away         2 s silent,
            the client to close                           10 s in all
CLOSED      gone

from        to          when
----------  ----------  ----------------------------------------------
HEAD        BODY        its request is admitted
HEAD        DISCARDING  its request is refused before its body came
HEAD        LINGERING   the last response is sent
BODY        RUNNING     its body is complete, and there is memory for it
BODY        HEAD        its body is broken or has no room: refused
RUNNING     HEAD        its response is in the send buffer
DISCARDING  HEAD        its body is read away
DISCARDING  LINGERING   its body is broken, or the server stops
LINGERING   CLOSED      the client has closed, or the time is up
any         CLOSED      the connection breaks, a time limit passes, or
                        it makes room for another one

A request that is refused on its head, without a body, leads from HEAD
to HEAD. `TRANSITIONS` is the same table for the tests, which check that
a server makes no other step. docs/how/connection-states.md has a
picture, and the reasons; the time limits are in `limits.py`.
"""

from collections.abc import Mapping
from enum import Enum, auto


class ConnectionState(Enum):
    """What a connection is doing; the table above explains each."""

    HEAD = auto()
    BODY = auto()
    RUNNING = auto()
    DISCARDING = auto()
    LINGERING = auto()
    CLOSED = auto()


# Looking a member up on its class costs more than comparing it.
HEAD, BODY, RUNNING, DISCARDING, LINGERING, CLOSED = ConnectionState

TRANSITIONS: Mapping[ConnectionState, frozenset[ConnectionState]] = {
    HEAD: frozenset({HEAD, BODY, DISCARDING, LINGERING, CLOSED}),
    BODY: frozenset({HEAD, RUNNING, CLOSED}),
    RUNNING: frozenset({HEAD, CLOSED}),
    DISCARDING: frozenset({HEAD, LINGERING, CLOSED}),
    LINGERING: frozenset({CLOSED}),
    CLOSED: frozenset(),
}
"""Where each state may lead."""
