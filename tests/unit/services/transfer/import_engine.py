"""An engine in memory that a file is imported into."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import pytest

from angarium.ports.message_log import Position
from angarium.services.outage_retry import OutageRetry
from angarium.services.transfer.duty_cycle import DutyCycle
from angarium.services.transfer.entries import Counts, Header
from angarium.services.transfer.exporter import Exporter
from angarium.services.transfer.importer import Importer, ImportRefused, Target
from angarium.services.transfer.row_reader import RowReader
from angarium.services.transfer.survey import Survey
from tests.fakes.bulk_load import MemoryBulkLoader
from tests.fakes.clock import ManualClock
from tests.fakes.conversations import MemoryConversations
from tests.fakes.dead_letters import MemoryDeadLetters
from tests.fakes.inspection import MemoryDeadLetterInspector, MemoryLogInspector
from tests.fakes.log import MemoryLog
from tests.fakes.messages import MemoryMessages
from tests.fakes.store_inspector import MemoryStoreInspector
from tests.fakes.users import MemoryUsers
from tests.unit.services.transfer.sample import START, entries, write

PARTITIONS = 4
SAMPLE = write(entries())


@dataclass
class GroupOfNobody:
    """Keeps what is committed for the group."""

    committed: dict[int, Position] = field(default_factory=dict)

    def commit(self, starts: Mapping[int, Position]) -> None:
        self.committed.update(starts)


class Engine:
    """A target in memory."""

    def __init__(self) -> None:
        self.users, self.messages = MemoryUsers(), MemoryMessages()
        self.conversations = MemoryConversations()
        self.clock = ManualClock(START)
        self.log = MemoryLog(PARTITIONS, self.clock)
        self.log_inspector = MemoryLogInspector(self.log)
        self.letters = MemoryDeadLetters()
        self.inspector = MemoryStoreInspector(self.messages, self.conversations)
        self.loader = MemoryBulkLoader(
            self.users, self.conversations, self.messages, self.inspector
        )
        self.group = GroupOfNobody()
        self.progress: list[tuple[str, Counts]] = []
        retry = OutageRetry(self.clock, lambda *_: None, self.clock.sleep)
        self.rows = RowReader(self.users, self.conversations, self.inspector, self.messages, retry)
        target = Target(
            "the target",
            PARTITIONS,
            self.log_inspector,
            MemoryDeadLetterInspector(self.letters),
            self.rows,
            self.loader,
            self.group,
            {"alice", "bob"},
        )
        self.importer = partial(Importer, target, retry, lambda *each: self.progress.append(each))

    def run(self, data: bytes = SAMPLE) -> Survey:
        """Import a file."""
        return self.importer().run(io.BytesIO(data))

    def export(self) -> bytes:
        """Export it again."""
        never_resting = DutyCycle(self.clock.monotonic, self.clock.sleep, share=1)
        return b"".join(Exporter(self.rows, Header(START, "0.1.0"), never_resting).lines())

    def refused(self, data: bytes = SAMPLE) -> str:
        """Return why a file is not imported."""
        with pytest.raises(ImportRefused) as raised:
            self.run(data)
        return str(raised.value)

    @property
    def is_untouched(self) -> bool:
        """Whether nothing was written."""
        return (
            self.loader.marker() is None
            and not self.users.all()
            and not self.conversations.ids()
            and not self.messages.conversation_ids()
        )
