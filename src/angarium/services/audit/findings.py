"""What an audit finds, kept on disk: a lost table is many findings."""

import struct
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from angarium.ports.store_inspection import NO_ID
from angarium.services.audit.external_sort import ExternalSorter


class FindingKind(StrEnum):
    """What is wrong, in the order in which it is shown.

    Attributes:
        MISSING: The message, or its row in the index, is not stored.
        ALTERED: The stored message is not what was sent, or has a
            status that no receipt explains.
        MISPLACED: It is stored, but not where its record says.
        DOUBLED: It is stored a second time, at this position.
        UNEXPLAINED: No record asked to store it.
        UNDELIVERED: A receipt had no effect.
        UNBURIED: A record cannot be applied and has no dead letter.
    """

    MISSING = "missing"
    ALTERED = "altered"
    MISPLACED = "misplaced"
    DOUBLED = "doubled"
    UNEXPLAINED = "unexplained"
    UNDELIVERED = "undelivered"
    UNBURIED = "unburied"


class Finding(NamedTuple):
    """One difference between log and store.

    Attributes:
        kind: What is wrong.
        conversation_id: The conversation, None for a record that names
            none.
        message_id: The message; for a record that confirms several, one
            that it confirms in vain; None for one that names none.
        partition: The partition of the log.
        offset: The offset of the record; of a row that no record
            explains, the one that is part of its position.
    """

    kind: FindingKind
    conversation_id: UUID | None
    message_id: UUID | None
    partition: int
    offset: int


_LAYOUT = struct.Struct(">BIQ16s16s")
_KINDS = tuple(FindingKind)
_SIGN = 1 << 63
"""Added to an offset: negative ones sort before others as bytes too."""


class Findings:
    """Collects findings; used by one thread."""

    def __init__(self) -> None:
        """Start without any."""
        self._sorter = ExternalSorter(_LAYOUT.size)

    def add(self, finding: Finding) -> None:
        """Keep a finding.

        Args:
            finding: What is wrong. One record may be added as unburied
                more than once, with different messages.
        """
        conversation_id = finding.conversation_id or NO_ID
        message_id = finding.message_id or NO_ID
        self._sorter.add(
            _LAYOUT.pack(
                _KINDS.index(finding.kind),
                finding.partition,
                finding.offset + _SIGN,
                conversation_id.bytes,
                message_id.bytes,
            )
        )

    def all(self) -> Iterator[Finding]:
        """Read all findings.

        Yields:
            By kind, partition and offset, each once, an unburied record
            once.
        """
        before: Finding | None = None
        for packed in self._sorter.read_sorted():
            finding = _unpack(packed)
            if before is None or _identity(finding) != _identity(before):
                yield finding
            before = finding

    def counts(self) -> Mapping[FindingKind, int]:
        """Count the findings.

        Returns:
            How many there are of each kind, also of none.
        """
        counted = Counter(finding.kind for finding in self.all())
        return {kind: counted[kind] for kind in FindingKind}

    def close(self) -> None:
        """Forget them all; safe to repeat."""
        self._sorter.close()


def _unpack(packed: bytes) -> Finding:
    """Unpack a finding."""
    kind, partition, offset, conversation, message = _LAYOUT.unpack(packed)
    ids = [UUID(bytes=each) for each in (conversation, message)]
    conversation_id, message_id = (None if each == NO_ID else each for each in ids)
    return Finding(_KINDS[kind], conversation_id, message_id, partition, offset - _SIGN)


def _identity(finding: Finding) -> Sequence[object]:
    """Return what two equal findings have in common."""
    if finding.kind is FindingKind.UNBURIED:
        return finding.kind, finding.partition, finding.offset
    return finding
