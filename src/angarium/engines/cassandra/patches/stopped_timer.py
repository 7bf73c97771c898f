"""Takes the request out of a timer that was stopped.

Fault: a timer that was stopped stays in the driver's queue until it
would have fired, and refers to its request, and so to the request's
values and its answer. From then on they are a cycle that waits for the
garbage collector.
True in: cassandra-driver 3.30.1.
Noticed by:
`tests/unit/engines/cassandra/patches/test_stopped_timer.py`, where the
driver's own future has to go with this, and to stay without it.
The public way: none. No setting says how long a stopped timer stays,
and nothing public names the timer of a request.
Measured: a hundred pages of 1 MiB were held for up to 2 s each
(docs/adr/0007).
Mended upstream: delete this file, its test, and its use in
`engines/cassandra/session.py`.
"""

from cassandra.cluster import ResponseFuture


def forget_request(answer: ResponseFuture) -> None:
    """Let the timer of an answered request refer to nothing.

    Args:
        answer: The driver has stopped its timer.
    """
    if answer._timer is not None:
        answer._timer.callback = _nothing


def _nothing() -> None:
    """Replace what a stopped timer would do."""
