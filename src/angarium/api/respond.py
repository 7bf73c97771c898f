"""Answers that wait for the log."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple, cast

from angarium import logs
from angarium.api.interface import DeferredResponse, Response
from angarium.api.problems import internal_error, problem
from angarium.domain.errors import Code, LogUnavailable, RecordTooLarge
from angarium.ports.message_log import Appended

LOG_SECONDS = 2.0
"""How long the log may take; docs/http.md, Limits."""

_log = logs.get("angarium.api")


class Append(NamedTuple):
    """A record on its way into the log, as far as its answer is
    concerned.

    Attributes:
        future: Where it came to lie, or LogUnavailable.
        trace_id: The request's.
        conversation_id: The record's key.
        retry: What the client is told to do when the log does not take
            it.
        repeats: Knows when an outage was last told.
        message_id: Shown in the answer to a failure, when it is the
            client's to repeat.
    """

    future: "Future[Appended]"
    trace_id: str
    conversation_id: str
    retry: str
    repeats: logs.Repeats
    message_id: str | None = None


def respond_when_appended(
    append: Append, accepted: Callable[[Appended], Response]
) -> DeferredResponse | Response:
    """Answer when the log has a record, without a thread that waits.

    Args:
        append: The record.
        accepted: Makes the answer from the record's place.

    Returns:
        The answer, now if the log has decided already.
    """
    future = append.future

    def render() -> Response:
        error = future.exception()
        return accepted(future.result()) if error is None else _failed(append, error)

    def late() -> Response:
        _log.limited_warning(
            append.repeats,
            "log_unavailable",
            f"The log did not take the record within {LOG_SECONDS:g} s.",
            **_ids(append),
        )
        return _unavailable(append)

    if future.done():
        return render()
    return DeferredResponse(cast("Future[object]", future), render, late, LOG_SECONDS)


def _failed(append: Append, error: BaseException) -> Response:
    if isinstance(error, RecordTooLarge):
        return _too_large(append)
    if isinstance(error, LogUnavailable):
        return _unavailable(append)
    return internal_error(error, **_ids(append))


def _too_large(append: Append) -> Response:
    """Return the answer for a legal record that is larger than this
    service's log takes.
    """
    is_message = append.message_id is not None
    return problem(
        Code.CONTENT_TOO_LARGE if is_message else Code.BODY_TOO_LARGE,
        "The log of this service is set up for smaller records, so it was not taken. "
        f"Send {'a shorter text' if is_message else 'fewer ids'}, or report the trace_id to "
        "whoever runs it.",
        append.trace_id,
    )


def _unavailable(append: Append) -> Response:
    members = {} if append.message_id is None else {"message_id": append.message_id}
    return problem(
        Code.LOG_UNAVAILABLE,
        f"The log did not confirm the record in time, so it may be there or not. {append.retry}",
        append.trace_id,
        members=members,
    )


def _ids(append: Append) -> dict[str, str]:
    ids = {"trace_id": append.trace_id, "conversation_id": append.conversation_id}
    if append.message_id is not None:
        ids["message_id"] = append.message_id
    return ids
