"""What an export is given on the embedded engine."""

import io
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from angarium.config import Settings
from angarium.domain.errors import SetupError
from angarium.domain.message import Message
from angarium.engines.embedded.store_inspector import EmbeddedStoreInspector
from angarium.ports.bulk_load import ImportMarker
from angarium.ports.store_inspection import MessageKey
from angarium.services.transfer.entries import Header
from angarium.wiring.load import open_load
from angarium.wiring.transfer import EMBEDDED_MESSAGES_AT_ONCE, open_export, open_import
from tests.unit.services.transfer.sample import conversation, message, user, write

MESSAGES = 2 * EMBEDDED_MESSAGES_AT_ONCE + 1


def test_an_export_reads_little_at_once_where_a_service_needs_the_same_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings.from_env({"ANGARIUM_DATA": str(tmp_path)})
    people = [user("alice"), user("bob")]
    sent = [message("alice", "bob", number) for number in range(MESSAGES)]
    file = io.BytesIO(write([Header(0, "0"), *people, conversation("alice", "bob"), *sent]))
    with open_import(settings, lambda *_: None, lambda *_: None) as importer:
        importer.run(file)
    limits = []
    read = EmbeddedStoreInspector.messages

    def recorded(
        self: EmbeddedStoreInspector, conversation_id: UUID, after: MessageKey | None, limit: int
    ) -> Sequence[Message]:
        limits.append(limit)
        return read(self, conversation_id, after, limit)

    monkeypatch.setattr(EmbeddedStoreInspector, "messages", recorded)
    with open_export(settings, lambda *_: None) as export:
        list(export.exporter.lines())
    assert export.exporter.counts.messages == MESSAGES
    assert limits == [EMBEDDED_MESSAGES_AT_ONCE] * 4


def test_half_of_an_import_is_not_exported(tmp_path: Path) -> None:
    """It would replace the only whole backup by a file without some
    messages.
    """
    settings = Settings.from_env({"ANGARIUM_DATA": str(tmp_path)})
    with open_load(settings) as load:
        load.loader.claim("ab" * 32)
    with (
        pytest.raises(SetupError, match="holds an import that has not ended"),
        open_export(settings, lambda *_: None),
    ):
        pass


@pytest.mark.parametrize(
    ("is_finished", "refusal"),
    [(False, "holds an import that has not ended"), (True, "was imported into meanwhile")],
)
def test_what_an_import_writes_meanwhile_is_not_exported(
    tmp_path: Path, is_finished: bool, refusal: str
) -> None:
    """The export may have read any part of it."""
    settings = Settings.from_env({"ANGARIUM_DATA": str(tmp_path)})
    with open_load(settings):
        pass
    with open_export(settings, lambda *_: None) as export:
        lines = export.exporter.lines()
        next(lines)
        with open_load(settings) as load:
            load.loader.claim("ab" * 32)
            if is_finished:
                load.loader.advance(ImportMarker("ab" * 32, 1, is_finished=True))
        with pytest.raises(SetupError, match=refusal):
            list(lines)
