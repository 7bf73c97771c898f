"""A conversation with everything in it that a log may have."""

from dataclasses import dataclass
from uuid import UUID

from angarium.domain.message import Message, MessagePosition
from angarium.ports.store_inspection import IndexRow
from tests.unit.router.events import (
    ALICE_BOB,
    message_id_of,
)
from tests.unit.router.harness import WorkerHarness
from tests.unit.services.audit.audited_service import AuditedService

START = 1_700_000_000_000


FIRST, SECOND, THIRD = map(message_id_of, ("first", "second", "third"))


@dataclass
class Scene:
    """A conversation with everything in it that a log may have.

    Attributes:
        harness: Log and workers.
        service: Audits them.
        offsets: Those of the records, by a name.
    """

    harness: WorkerHarness
    service: AuditedService
    offsets: dict[str, int]

    def stored(self, message_id: UUID) -> Message:
        (found,) = (
            each
            for each in self.harness.messages.stored(ALICE_BOB)
            if each.message_id == message_id
        )
        return found

    def put(self, message_id: UUID, **changes: object) -> None:
        """Change columns of a row, those of its key too."""
        row = self.stored(message_id)
        changed = row._replace(**changes)  # type: ignore[arg-type]
        if (changed.position, changed.message_id) != (row.position, row.message_id):
            self.service.store.delete_message(row)
        self.service.store.put_message(changed)

    def delete(self, message_id: UUID) -> None:
        """Delete a row and its row in the index."""
        self.service.store.delete_message(self.stored(message_id))
        self.service.store.delete_index(ALICE_BOB, message_id)

    def invent(self, message_id: UUID, position: MessagePosition) -> None:
        """Write a row and its row in the index."""
        row = self.stored(FIRST)._replace(message_id=message_id, position=position)
        self.service.store.put_message(row)
        self.service.store.put_index(ALICE_BOB, index_row(row))

    def unbury(self, name: str) -> None:
        """Remove the dead letters of a record."""
        letters = self.harness.dead_letters._letters
        letters[:] = [each for each in letters if each.record.offset != self.offsets[name]]


def index_row(row: Message, **changes: object) -> IndexRow:
    return IndexRow(row.message_id, row.position, row.sender_id)._replace(**changes)  # type: ignore[arg-type]
