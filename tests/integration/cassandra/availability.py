"""Asking a store that may be away."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from uuid import uuid4

from angarium.deadline import within
from angarium.domain.errors import StoreUnavailable
from angarium.engines.cassandra.conversations import CassandraConversations
from angarium.engines.cassandra.session import CassandraSession

BOUND_S = 2.0
"""Within so long a question is answered, whatever happens."""

SLACK_S = 2.0
"""What a busy machine may add to a bound."""

RECOVERY_S = 60.0
"""Within 15 s the store is used again, once Cassandra answers; the rest
is for a busy machine.
"""

Result = TypeVar("Result")


def query_error(session: CassandraSession, seconds: float = BOUND_S) -> StoreUnavailable | None:
    """Ask for something at the session's consistency, within a
    deadline; give what went wrong.
    """
    started = time.monotonic()
    try:
        with within(seconds):
            CassandraConversations(session).get(uuid4(), uuid4())
    except StoreUnavailable as error:
        assert time.monotonic() - started < seconds + SLACK_S
        return error
    return None


def until_it_answers(call: Callable[[], Result], seconds: float = RECOVERY_S) -> Result:
    """Try until it works."""
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        with suppress(StoreUnavailable):
            return call()
    return call()


def until_it_fails(session: CassandraSession, seconds: float = RECOVERY_S) -> StoreUnavailable:
    """Ask until it does not work."""
    give_up_at = time.monotonic() + seconds
    while (error := query_error(session)) is None:
        assert time.monotonic() < give_up_at, f"still answering after {seconds:g} s"
    return error
