"""What a connection is doing."""

from enum import Enum, auto


class ConnectionState(Enum):
    """The steps of a connection's life.

    Attributes:
        HEAD: Between two requests, or reading a request's head.
        BODY: Reading the body of an admitted request.
        RUNNING: Waiting for the answer.
        DISCARDING: Reading off the body of a request that is answered
            already.
        LINGERING: Done; only waiting for the client to notice.
        CLOSED: Gone.
    """

    HEAD = auto()
    BODY = auto()
    RUNNING = auto()
    DISCARDING = auto()
    LINGERING = auto()
    CLOSED = auto()


# Looking a member up on its class costs more than comparing it.
HEAD, BODY, RUNNING, DISCARDING, LINGERING, CLOSED = ConnectionState
