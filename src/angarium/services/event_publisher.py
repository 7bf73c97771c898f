"""Handing events to the log, and writing down what became of each."""

from collections.abc import Mapping
from concurrent.futures import Future
from uuid import UUID

from angarium import futures, logs
from angarium.clock import Clock
from angarium.domain.errors import LogUnavailable, RecordTooLarge
from angarium.domain.events import SCHEMA, Event, encode
from angarium.domain.identifiers import text_of
from angarium.ports.message_log import Appended, MessageLog, NewRecord

_log = logs.get("angarium.appending")


class EventPublisher:
    """Appends events; used by any thread, never blocks."""

    def __init__(self, log: MessageLog, clock: Clock, repeats: logs.Repeats | None = None) -> None:
        """Name the log.

        Args:
            log: Takes the events.
            clock: Measures how long it takes.
            repeats: Knows when an outage was last told; its own when
                None.
        """
        self._events = log
        self._clock = clock
        self._repeats = repeats or logs.Repeats(clock.monotonic)

    def __call__(
        self,
        event: Event,
        trace_id: str,
        user_id: UUID,
        accepted: str,
        fields: Mapping[str, object],
    ) -> "Future[Appended]":
        """Append an event; even a failure at once comes as a future.

        Args:
            event: What happened; its conversation is the record's key.
            trace_id: The request's trace id; it travels with the
                record.
            user_id: Who caused it.
            accepted: The action of the line that is written once the
                log has the event.
            fields: More ids and figures for that line, or for the one
                that tells of a failure.

        Returns:
            A future of the record's place, or of LogUnavailable: the
            record may then be there or not.
        """
        started = self._clock.monotonic()
        conversation_id = text_of(event.conversation_id)
        record = NewRecord(
            conversation_id.encode(), encode(event), {"trace_id": trace_id, "schema": SCHEMA}
        )
        # A callback runs on the engine's thread, where no context tells
        # the ids.
        known = {
            "trace_id": trace_id,
            "conversation_id": conversation_id,
            "user_id": text_of(user_id),
            **fields,
        }

        def settled(future: "Future[Appended]") -> None:
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
        appended.add_done_callback(settled)
        return appended

    def _append(self, record: NewRecord) -> "Future[Appended]":
        try:
            return self._events.append(record)
        except LogUnavailable as error:
            return futures.failed(error)


def _log_failure(
    error: BaseException, fields: Mapping[str, object], repeats: logs.Repeats
) -> None:
    if isinstance(error, RecordTooLarge):
        # One client may repeat it for ever, and each time has its
        # access line.
        _log.limited_error(
            repeats,
            "record_too_large",
            "The log takes no record of this size, and does not have it.",
            None,
            error_type=type(error).__name__,
            reason=str(error),
            **fields,
        )
    elif isinstance(error, LogUnavailable):
        # An outage refuses whatever comes, and each has its access
        # line.
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
        _log.error(
            "append_failed", "The log failed in a way that it never should.", error, **fields
        )
