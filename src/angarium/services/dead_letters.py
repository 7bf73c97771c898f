"""Listing and replaying records that the worker could not process.

A bad record never blocks its partition: it is kept as a dead letter
(docs/adr/0012).
"""

from collections.abc import Mapping, Sequence

from angarium.domain.errors import LogUnavailable, RecordTooLarge
from angarium.ports.message_log import (
    Appended,
    DeadLetter,
    DeadLetterLog,
    MessageLog,
    NewRecord,
    Record,
)

APPEND_S = 5.0
"""Time limit for one append; engines answer within 2 s."""

MAX_RECORD_BYTES = 512 * 1024
"""No larger record is replayed: logs take more, but the largest event
has an eighth of it.
"""

MAX_COUNT = 100_000
"""Of more dead letters only the newest are replayed together, so that
memory has a bound.
"""


class NoSuchDeadLetter(Exception):
    """There is no dead letter of that partition and offset."""


class NotReplayable(Exception):
    """The log would refuse this record; the message says why."""


class DeadLetters:
    """Reads and replays dead letters; used by one thread."""

    def __init__(self, letters: DeadLetterLog, log: MessageLog) -> None:
        """Name the two logs.

        Args:
            letters: Where the dead letters are.
            log: Where their records came from and are replayed to.
        """
        self._letters = letters
        self._log = log

    def newest(self, limit: int) -> Sequence[DeadLetter]:
        """Read the newest dead letters, each position once.

        Args:
            limit: Maximum number of dead letters to read.

        Returns:
            Newest first.

        Raises:
            LogUnavailable: The log does not answer.
        """
        once: dict[tuple[int, int], DeadLetter] = {}
        for letter in self._letters.read(limit):
            once.setdefault((letter.record.partition, letter.record.offset), letter)
        return list(once.values())

    def to_replay(self) -> Sequence[DeadLetter]:
        """Read the dead letters that are replayed together.

        A record that failed again after a replay has one for each
        attempt. They say the same: replaying all of them would double
        their number each time.

        Returns:
            Oldest first, the oldest of those with equal records.

        Raises:
            LogUnavailable: The log does not answer.
        """
        once: dict[object, DeadLetter] = {}
        for letter in reversed(self.newest(MAX_COUNT)):
            once.setdefault(_contents(letter.record), letter)
        return list(once.values())

    def find(self, partition: int, offset: int) -> DeadLetter:
        """Find the dead letter of a record.

        Args:
            partition: The record's partition.
            offset: The record's offset.

        Returns:
            The dead letter.

        Raises:
            NoSuchDeadLetter: There is none.
            LogUnavailable: The log does not answer.
        """
        letter = self._letters.find(partition, offset)
        if letter is None:
            raise NoSuchDeadLetter(f"there is no dead letter of {partition}:{offset}")
        return letter

    def replay(self, letter: DeadLetter) -> Appended:
        """Append a dead letter's record to its log again.

        Key, value and headers stay the same, so also its trace id;
        headers without a value are left out. The record gets a new
        offset after all others. A message that is stored already is
        not stored again, because its id is the same. The dead letter
        is kept.

        Args:
            letter: As it was read.

        Returns:
            The record's new position.

        Raises:
            NotReplayable: The record cannot be appended as it is.
            LogUnavailable: The log did not confirm it. It may be there;
                replaying it once more is safe.
        """
        record = _record_to_replay(letter)
        try:
            return self._log.append(record).result(APPEND_S)
        except RecordTooLarge as error:
            raise NotReplayable(
                f"{letter.record.partition}:{letter.record.offset}: {error}"
            ) from error
        except TimeoutError as error:
            raise LogUnavailable(f"the log did not answer within {APPEND_S:g} s") from error


def _contents(record: Record) -> tuple[object, ...]:
    """Return what a replay of a record has in common with it."""
    if record.key is None or record.value is None:
        # It is never replayed: each is named.
        return record.partition, record.offset
    # A replay lacks headers without a value, and is in the partition of
    # its key: equal records of several partitions are no replays.
    headers = {name: value for name, value in record.headers.items() if value is not None}
    return record.partition, record.key, record.value, frozenset(headers.items())


def _record_to_replay(letter: DeadLetter) -> NewRecord:
    """Return a new record with the contents of a dead letter's.

    Raises:
        NotReplayable: It lacks a key or value, or is too large.
    """
    record = letter.record
    if record.key is None or record.value is None:
        missing = "key" if record.key is None else "value"
        raise NotReplayable(
            f"{record.partition}:{record.offset} has no {missing}: the worker can never process it"
        )
    size = (
        len(record.key)
        + len(record.value)
        + sum(len(value or b"") for value in record.headers.values())
    )
    if size > MAX_RECORD_BYTES:
        raise NotReplayable(
            f"{record.partition}:{record.offset} has {size:,} bytes: the limit is "
            f"{MAX_RECORD_BYTES:,}, and no event has as many"
        )
    return NewRecord(record.key, record.value, _texts(letter, record.headers))


def _texts(letter: DeadLetter, headers: Mapping[str, bytes | None]) -> Mapping[str, str]:
    """Return headers as new records have them, with values as text.

    Raises:
        NotReplayable: One is not UTF-8.
    """
    try:
        # The worker reads no header without a value, and not every
        # log's client can write one.
        return {name: value.decode() for name, value in headers.items() if value is not None}
    except UnicodeDecodeError as error:
        position = f"{letter.record.partition}:{letter.record.offset}"
        raise NotReplayable(
            f"{position} has a header that is not UTF-8: the worker can never process it"
        ) from error
