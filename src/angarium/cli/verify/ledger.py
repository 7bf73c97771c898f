"""What was sent and accepted, written down before going on."""

import json
import threading
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, cast

from angarium.cli.errors import CommandError
from angarium.client.bodies import LogPosition

UNKNOWN = -1
"""A position in the log that no 202 contained."""

MAX_LINE_BYTES = 1024 * 1024
"""No entry is longer: a text of 10,240 bytes takes six times as many in
JSON, and a receipt has 100 ids.
"""

_BEGINNING = b'{"entry": "'
"""How each line of a ledger begins, also one that was cut off."""


@dataclass(slots=True)
class ConversationRecord:
    """One conversation's entries.

    Attributes:
        conversation_id: The conversation.
        sender: The name of who wrote last; everybody in it reads the
            same.
        recipient: The other one's name.
        cursor: Walks forward from before the first entry.
        sent: Texts by message id, in the order of sending; whether
            the log has each is unknown.
        accepted: The ids that got their 202, in that order.
        partition: The one of the log that has the conversation, UNKNOWN
            where no 202 contained it.
        offsets: Of the records of the accepted ids, in the same order;
            eight bytes each, as there may be millions.
        confirmed: The ids whose delivery was confirmed with a 202.
    """

    conversation_id: str
    sender: str
    recipient: str
    cursor: str
    sent: dict[str, str] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    partition: int = UNKNOWN
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    confirmed: set[str] = field(default_factory=set)


class Ledger:
    """All conversations' records; each is written by one thread.

    With a file, an entry is with the operating system before the call
    returns: `sent` before the request goes out, so that even a killed
    run has noted everything that may be there.
    """

    def __init__(self, path: Path | None = None, writes: bool = True) -> None:
        """Open the ledger; what the file has already is part of it.

        Args:
            path: The file, made when missing; memory alone when None.
            writes: Whether entries will be added; if not, the file
                stays as it is.

        Raises:
            CommandError: The file cannot be used, or is no ledger.
        """
        self.records: dict[str, ConversationRecord] = {}
        self._lock = threading.Lock()
        self._file: TextIO | None = None
        if path is not None:
            try:
                whole = self._load(path)
                if writes:
                    self._file = path.open("a", encoding="utf-8")
                    self._file.truncate(whole)
            except OSError as error:
                raise CommandError(f"cannot use the ledger {path}: {error.strerror}") from error

    def begin(
        self, conversation_id: str, sender: str, recipient: str, cursor: str
    ) -> ConversationRecord:
        """Note where a conversation's entries begin.

        Args:
            conversation_id: The conversation.
            sender: Who will write.
            recipient: Who will read.
            cursor: Walks forward from what is there now; an earlier
                entry's cursor is kept.

        Returns:
            The record.
        """
        self._enter("begin", conversation_id, sender=sender, recipient=recipient, cursor=cursor)
        return self.records[conversation_id]

    def write_sent(self, conversation_id: str, message_id: str, content: str) -> None:
        """Note a message that is about to be sent.

        Args:
            conversation_id: The conversation.
            message_id: Its id.
            content: Its text.
        """
        self._enter("sent", conversation_id, message_id=message_id, content=content)

    def write_accepted(
        self, conversation_id: str, message_id: str, position: LogPosition | None = None
    ) -> None:
        """Note a 202.

        Args:
            conversation_id: The conversation.
            message_id: Of which message.
            position: Of its record in the log, if the 202 has it.
        """
        told: dict[str, object] = {} if position is None else position._asdict()
        self._enter("accepted", conversation_id, message_id=message_id, **told)

    def write_confirmed(self, conversation_id: str, message_ids: Sequence[str]) -> None:
        """Note a receipt's 202.

        Args:
            conversation_id: The conversation.
            message_ids: Of which messages.
        """
        self._enter("confirmed", conversation_id, message_ids=list(message_ids))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _enter(self, entry: str, conversation_id: str, **fields: object) -> None:
        """Apply an entry, and write it to the file if there is one."""
        line = {"entry": entry, "conversation_id": conversation_id, **fields}
        with self._lock:
            _apply(self.records, line)
            if self._file is not None:
                self._file.write(f"{json.dumps(line)}\n")
                self._file.flush()

    def _load(self, path: Path) -> int:
        """Apply an earlier run's entries; return how many bytes."""
        if not path.exists():
            return 0
        if not path.is_file():
            raise CommandError(f"cannot use the ledger {path}: it is not a regular file")
        whole = 0
        with path.open("rb") as file:
            lines = iter(lambda: file.readline(MAX_LINE_BYTES), b"")
            for number, line in enumerate(lines, 1):
                if _is_cut_off(line):
                    break
                try:
                    _apply(self.records, _entry(line))
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise CommandError(
                        f"{path} is not a ledger of `angarium verify` (line {number})"
                    ) from error
                whole += len(line)
        return whole


def _is_cut_off(line: bytes) -> bool:
    """Return whether a run was killed while it wrote the last line."""
    # What it was about to note had not happened yet.
    return (
        not line.endswith(b"\n")
        and len(line) < MAX_LINE_BYTES
        and _BEGINNING.startswith(line[: len(_BEGINNING)])
    )


def _entry(line: bytes) -> dict[str, object]:
    """Decode a whole line, or raise ValueError."""
    if not line.endswith(b"\n"):
        raise ValueError("a line without an end")
    return cast("dict[str, object]", json.loads(line))


def _apply(records: dict[str, ConversationRecord], line: dict[str, object]) -> None:
    """Apply an entry, new or read from the file."""
    conversation_id = str(line["conversation_id"])
    if line["entry"] == "begin":
        names = (str(line["sender"]), str(line["recipient"]))
        record = records.setdefault(
            conversation_id, ConversationRecord(conversation_id, *names, str(line["cursor"]))
        )
        record.sender, record.recipient = names
        return
    _ENTRIES[str(line["entry"])](records[conversation_id], line)


def _read_sent(record: ConversationRecord, line: dict[str, object]) -> None:
    """Apply a `sent` entry."""
    record.sent[str(line["message_id"])] = str(line["content"])


def _read_accepted(record: ConversationRecord, line: dict[str, object]) -> None:
    """Apply an `accepted` entry; old ones have no position."""
    record.accepted.append(str(line["message_id"]))
    record.partition = int(str(line.get("partition", record.partition)))
    record.offsets.append(int(str(line.get("offset", UNKNOWN))))


def _read_confirmed(record: ConversationRecord, line: dict[str, object]) -> None:
    """Apply a `confirmed` entry."""
    record.confirmed.update(map(str, cast("list[object]", line["message_ids"])))


_ENTRIES: dict[str, Callable[[ConversationRecord, dict[str, object]], None]] = {
    "sent": _read_sent,
    "accepted": _read_accepted,
    "confirmed": _read_confirmed,
}
