"""Responses that depend on the log."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import NamedTuple, cast

from angarium import logs
from angarium.api.interface import DeferredResponse, Response
from angarium.api.problems import internal_error, problem
from angarium.domain.errors import Code, LogUnavailable, RecordTooLarge
from angarium.ports.message_log import Appended

LOG_TIMEOUT_S = 2.0
"""Time that an append may take before the client gets 503
(docs/http.md, Limits; docs/adr/0015 says what a 202 promises).
"""

_log = logs.get("angarium.api")


class Append(NamedTuple):
    """A record that the log was asked to take, and its response's data.

    Attributes:
        future: Its position in the log, or LogUnavailable.
        trace_id: The request's.
        conversation_id: The record's key.
        retry: What the client should do if the append fails.
        repeats: Limits how often the line of one outage is written.
        message_id: Part of a failure's response, so that the client
            can repeat the message under its id.
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
    """Respond when the log has taken a record; no thread blocks.

    Args:
        append: The record.
        accepted: Makes the response from the record's position.

    Returns:
        The response, at once if the append is complete already.
    """
    future = append.future

    def render() -> Response:
        """Return the response to the future's result or exception."""
        error = future.exception()
        return accepted(future.result()) if error is None else _respond_to_failure(append, error)

    def late() -> Response:
        """Log the timeout and answer 503."""
        _log.limited_warning(
            append.repeats,
            "log_unavailable",
            f"The log did not take the record within {LOG_TIMEOUT_S:g} s.",
            **_ids(append),
        )
        return _unavailable(append)

    if future.done():
        return render()
    return DeferredResponse(cast("Future[object]", future), render, late, LOG_TIMEOUT_S)


def _respond_to_failure(append: Append, error: BaseException) -> Response:
    """Return the response to an append that failed."""
    if isinstance(error, RecordTooLarge):
        return _too_large(append)
    if isinstance(error, LogUnavailable):
        return _unavailable(append)
    return internal_error(error, **_ids(append))


def _too_large(append: Append) -> Response:
    """Answer 413 for a legal record larger than this log takes."""
    is_message = append.message_id is not None
    return problem(
        Code.CONTENT_TOO_LARGE if is_message else Code.BODY_TOO_LARGE,
        "The log of this service accepts only smaller records, so it was not accepted. Send "
        f"{'a shorter text' if is_message else 'fewer ids'}, or report the trace_id to the "
        "operator.",
        append.trace_id,
    )


def _unavailable(append: Append) -> Response:
    """Answer 503, with the id to repeat a message with."""
    members = {} if append.message_id is None else {"message_id": append.message_id}
    return problem(
        Code.LOG_UNAVAILABLE,
        f"The log did not confirm the record in time, so it may be there or not. {append.retry}",
        append.trace_id,
        members=members,
    )


def _ids(append: Append) -> dict[str, str]:
    """Return the ids of the record for its log lines."""
    ids = {"trace_id": append.trace_id, "conversation_id": append.conversation_id}
    if append.message_id is not None:
        ids["message_id"] = append.message_id
    return ids
