"""Asking who is online before messages are stored."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import Protocol
from uuid import UUID

from angarium import logs
from angarium.router.calls import Call
from angarium.router.lanes import Group

_log = logs.get("angarium.router")

NOBODY: frozenset[UUID] = frozenset()


class Online(Protocol):
    """Knows who is online."""

    def online(self, user_ids: Collection[UUID]) -> "Future[frozenset[UUID]]":
        """Tell who of some users is online, without blocking the caller.

        Args:
            user_ids: Whom to look up.

        Returns:
            A future that never fails.
        """
        ...


class Asking(Call):
    """One question for all groups of messages that are started together.

    Attributes:
        groups: Those that wait for the answer.
    """

    def __init__(self, groups: Sequence[Group], online: Online) -> None:
        self.groups = groups
        self._online = online
        self._answer: Future[frozenset[UUID]]

    def begin(self, ended: Callable[[object], None]) -> None:
        """Ask.

        Args:
            ended: The callback.
        """
        recipients = {entry.event.recipient_id for group in self.groups for entry in group.entries}
        self._answer = self._online.online(recipients)
        self._answer.add_done_callback(ended)

    def answer(self, error: Exception | None) -> Collection[UUID]:
        """Take the answer in; presence never decides whether something is stored.

        Args:
            error: Why there is no answer, if so.

        Returns:
            The ids of those online; nobody's when there is no answer.
        """
        if error is None:
            try:
                return self._answer.result(0)
            except Exception as failure:  # noqa: BLE001 - told below
                error = failure
        first = self.groups[0].entries[0]
        _log.error(
            "presence_failed",
            "Nobody knows who is online; the messages are stored as PENDING.",
            error,
            trace_id=first.trace_id,
            conversation_id=first.event.conversation_id,
        )
        return NOBODY
