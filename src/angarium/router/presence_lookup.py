"""Asking who is online while messages are being stored."""

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from typing import Protocol
from uuid import UUID

from angarium import futures, logs
from angarium.router.conversation_queues import Batch

_log = logs.get("angarium.router")

NOBODY: frozenset[UUID] = frozenset()


class Online(Protocol):
    """Knows who is online."""

    def online(self, user_ids: Collection[UUID]) -> "Future[frozenset[UUID]]":
        """Tell who of some users is online, without blocking the
        caller.

        Args:
            user_ids: Whom to look up.

        Returns:
            A future that never fails.
        """
        ...


def ask_presence(batches: Sequence[Batch], online: Online) -> "Future[Collection[UUID]]":
    """Ask once for all groups of messages that are started together.

    Args:
        batches: One at least.
        online: Is asked.

    Returns:
        A future of the recipients who are online. It never fails:
        presence does not decide whether something is stored, and nobody
        is online when there is no answer.
    """
    answer: Future[Collection[UUID]] = Future()

    def resolve(asked: "Future[frozenset[UUID]]") -> None:
        error = asked.exception()
        if error is not None:
            _log_failure(batches[0], error)
        answer.set_result(asked.result() if error is None else NOBODY)

    try:
        asked = online.online(
            {entry.event.recipient_id for batch in batches for entry in batch.entries}
        )
    except Exception as error:  # noqa: BLE001 - told; the messages are stored all the same
        _log_failure(batches[0], error)
        return nobody()
    asked.add_done_callback(resolve)
    return answer


def nobody() -> "Future[Collection[UUID]]":
    """Answer for whoever cannot be asked.

    Returns:
        A future that is done: nobody is online.
    """
    return futures.done(NOBODY)


def _log_failure(batch: Batch, error: BaseException) -> None:
    first = batch.entries[0]
    _log.error(
        "presence_failed",
        "Nobody knows who is online; the messages are stored as PENDING.",
        error,
        trace_id=first.trace_id,
        conversation_id=first.event.conversation_id,
    )
