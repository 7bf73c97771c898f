"""Appending events to the log, with a log line about each.

A request is answered once the log has the event, and not before
(docs/adr/0001).
"""

from collections.abc import Mapping
from concurrent.futures import Future
from uuid import UUID

from angarium import futures, logs
from angarium.clock import Clock
from angarium.domain.errors import LogUnavailable, RecordTooLarge
from angarium.domain.events import SCHEMA, Event, encode
from angarium.domain.identifiers import text_of
from angarium.ports.message_log import Appended, MessageLog, NewRecord

_log = logs.get("angarium.services")


class EventPublisher:
    """Appends events; used by any thread, never blocks."""

    def __init__(
        self, log: MessageLog, clock: Clock, instance: str, repeats: logs.Repeats | None = None
    ) -> None:
        """Name the log.

        Args:
            log: Takes the events.
            clock: Measures how long an append takes.
            instance: The name of this process, which every record has.
            repeats: Limits the lines about an outage, together with
                others that share it; its own when None.
        """
        self._message_log = log
        self._clock = clock
        self._headers = {"schema": SCHEMA, "instance": instance}
        self._repeats = repeats or logs.Repeats(clock.monotonic)

    def __call__(
        self,
        event: Event,
        trace_id: str,
        user_id: UUID,
        accepted: str,
        fields: Mapping[str, object],
    ) -> "Future[Appended]":
        """Append an event; an immediate failure is in the future too.

        Args:
            event: What happened; its conversation is the record's key.
            trace_id: The request's trace id; it travels with the
                record.
            user_id: Who caused it.
            accepted: The action of the line that is logged once the
                log has the event.
            fields: More ids and figures for that line, or for the one
                about a failure.

        Returns:
            A future of the record's position, or of LogUnavailable: the
            record may then be there or not.
        """
        started = self._clock.monotonic()
        conversation_id = text_of(event.conversation_id)
        record = NewRecord(
            conversation_id.encode(), encode(event), {"trace_id": trace_id, **self._headers}
        )
        # The callback runs on the engine's thread, which has no context
        # with these ids.
        known = {
            "trace_id": trace_id,
            "conversation_id": conversation_id,
            "user_id": text_of(user_id),
            **fields,
        }

        def log_outcome(future: "Future[Appended]") -> None:
            """Log what became of the event, on the engine's thread."""
            duration_ms = round((self._clock.monotonic() - started) * 1000, 1)
            error = future.exception()
            if error is not None:
                _log_failure(error, {**known, "duration_ms": duration_ms}, self._repeats)
                return
            position = future.result()
            _log.info(
                accepted,
                "The log has the event.",
                partition=position.partition,
                offset=position.offset,
                duration_ms=duration_ms,
                **known,
            )

        appended = self._append(record)
        appended.add_done_callback(log_outcome)
        return appended

    def _append(self, record: NewRecord) -> "Future[Appended]":
        """Append a record; an error at once is a failed future."""
        try:
            return self._message_log.append(record)
        except LogUnavailable as error:
            return futures.failed(error)


def _log_failure(
    error: BaseException, fields: Mapping[str, object], repeats: logs.Repeats
) -> None:
    """Log why an event was not accepted; once per outage."""
    if isinstance(error, RecordTooLarge):
        # One client may repeat it for ever, and each request has its
        # access line.
        _log.limited_error(
            repeats,
            "record_too_large",
            "The log refuses a record of this size; it was not stored.",
            None,
            error_type=type(error).__name__,
            reason=str(error),
            **fields,
        )
    elif isinstance(error, LogUnavailable):
        # An outage fails every request, and each has its access line.
        _log.limited_error(
            repeats,
            "log_unavailable",
            "The log did not confirm the event in time; it may be there or not.",
            None,
            error_type=type(error).__name__,
            reason=str(error),
            **fields,
        )
    else:
        _log.error("append_failed", "The log failed with an unexpected error.", error, **fields)
