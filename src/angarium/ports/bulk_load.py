"""Writing what an import brings, without a record in the log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from angarium.domain.conversation import Conversation
from angarium.domain.message import Message
from angarium.domain.user import User
from angarium.ports.message_log import Position


@dataclass(frozen=True, slots=True)
class ImportMarker:
    """What a store keeps of the import that filled it.

    Attributes:
        sha256: The digest of the export, in hexadecimal.
        lines: So many lines of the export are durable.
        is_finished: Whether the import has ended well. Before that no
            service may use the store.
    """

    sha256: str
    lines: int = 0
    is_finished: bool = False


class BulkLoader(Protocol):
    """Writes rows as the worker and the API would have written them.

    Used by one thread, while no service uses the store. Each method
    blocks, may be repeated with the same rows, and raises
    StoreUnavailable when it is not certain that all is durable.
    """

    def marker(self) -> ImportMarker | None:
        """Return what is known of an import.

        Returns:
            None when the store was never imported into.
        """
        ...

    def claim(self, sha256: str) -> ImportMarker:
        """Mark the store as one that is imported into.

        Of concurrent claims for several exports one wins.

        Args:
            sha256: The digest of the export.

        Returns:
            The marker that is there now: this export's, unless another
            one's was there before.
        """
        ...

    def advance(self, marker: ImportMarker) -> None:
        """Change the marker of an import that has not ended.

        A finished one stays: another import of the same export has
        ended meanwhile, and services may use the store.

        Args:
            marker: Of the export that has the claim.
        """
        ...

    def reopen(self, sha256: str) -> None:
        """Change a finished marker to one of an import that begins.

        Args:
            sha256: The digest of the export that has the claim.
        """
        ...

    def put_users(self, users: Sequence[User]) -> None:
        """Add users, or replace those that exist completely.

        Args:
            users: At most 1,000.
        """
        ...

    def put_conversations(self, conversations: Sequence[Conversation]) -> None:
        """Add conversations, in both lists too.

        Args:
            conversations: At most 1,000. One that exists must be equal.
        """
        ...

    def put_messages(self, messages: Sequence[Message]) -> None:
        """Add messages with their index and what inboxes know of them.

        A conversation's messages come in the order of their positions,
        none of another conversation in between. They may come in
        several calls; inboxes know of them once `flush` has returned.

        Args:
            messages: At most 1,000.
        """
        ...

    def flush(self) -> None:
        """Complete what the calls so far have begun.

        Called after the last message of a conversation.
        """
        ...

    def put_log_starts(self, starts: Mapping[int, Position]) -> None:
        """Note where the log begins to explain the store.

        Args:
            starts: By partition, as `StoreInspector.log_starts` returns
                them afterwards.
        """
        ...


class GroupStart(Protocol):
    """Says where the workers' group begins."""

    def commit(self, starts: Mapping[int, Position]) -> None:
        """Commit positions for a group that has committed nothing.

        Args:
            starts: By partition, before the first record.

        Raises:
            LogUnavailable: Not certain, or the group has members.
        """
        ...
