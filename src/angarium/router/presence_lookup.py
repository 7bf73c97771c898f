"""Ask who is online while messages are being stored.

Presence only affects the label (docs/adr/0010).
"""

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from typing import Protocol
from uuid import UUID

from angarium import futures, logs
from angarium.router.conversation_queues import Batch

_log = logs.get("angarium.router")

NOBODY: frozenset[UUID] = frozenset()


class PresenceLookup(Protocol):
    """The part of the presence store that the worker needs."""

    def find_online(
        self, user_ids: Collection[UUID], taken_at: float | None = None
    ) -> "Future[frozenset[UUID]]":
        """Find out which users are online, without blocking.

        Args:
            user_ids: The users to look up.
            taken_at: When the last of their messages was taken from the
                log, by the monotonic clock: who was found offline since
                then need not be looked up again.

        Returns:
            A future that never fails.
        """
        ...


def ask_presence(batches: Sequence[Batch], online: PresenceLookup) -> "Future[Collection[UUID]]":
    """Ask once for all message batches that start together.

    Args:
        batches: At least one.
        online: The presence store.

    Returns:
        A future of the recipients who are online. It never fails:
        presence does not decide whether something is stored. Without an
        answer nobody counts as online.
    """
    answer: Future[Collection[UUID]] = Future()

    def resolve(asked: "Future[frozenset[UUID]]") -> None:
        """Pass the answer on, or nobody for a failure."""
        error = asked.exception()
        if error is not None:
            _log_failure(batches[0], error)
        answer.set_result(asked.result() if error is None else NOBODY)

    try:
        entries = [entry for batch in batches for entry in batch.entries]
        asked = online.find_online(
            {entry.event.recipient_id for entry in entries},
            max(entry.taken_at for entry in entries),
        )
    except Exception as error:  # noqa: BLE001 - logged; the messages are stored all the same
        _log_failure(batches[0], error)
        return nobody()
    asked.add_done_callback(resolve)
    return answer


def nobody() -> "Future[Collection[UUID]]":
    """Answer in place of a presence store that does not answer.

    Returns:
        A completed future: nobody is online.
    """
    return futures.done(NOBODY)


def _log_failure(batch: Batch, error: BaseException) -> None:
    """Log the failure with the ids of the first message."""
    first = batch.entries[0]
    _log.error(
        "presence_failed",
        "Presence is unknown; the messages are stored as PENDING.",
        error,
        trace_id=first.trace_id,
        conversation_id=first.event.conversation_id,
    )
