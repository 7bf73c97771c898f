"""Looking at records that could not be applied, and giving them another
try.
"""

from collections.abc import Mapping, Sequence

from angarium.domain.errors import LogUnavailable, RecordTooLarge
from angarium.ports.message_log import Appended, DeadLetter, DeadLetterLog, MessageLog, NewRecord

APPEND_SECONDS = 5.0
"""How long an append is waited for; engines answer within 2 s."""

MAX_RECORD_BYTES = 512 * 1024
"""No larger record is appended again: logs take more, and the largest
event has an eighth of it.
"""

MAX_COUNT = 100_000
"""So many of the newest dead letters are looked at, by whatever asks
for all of them.
"""


class NoSuchDeadLetter(Exception):
    """No dead letter is known by that position."""


class NotReplayable(Exception):
    """A record that the log would not take as it is; the message says
    why.
    """


class DeadLetters:
    """Reads dead letters, and appends their records to the log again;
    used by one thread.
    """

    def __init__(self, letters: DeadLetterLog, log: MessageLog) -> None:
        """Name the logs.

        Args:
            letters: Where the dead letters are.
            log: Where they came from.
        """
        self._letters = letters
        self._log = log

    def newest(self, limit: int) -> Sequence[DeadLetter]:
        """Read the newest dead letters, each position once.

        Args:
            limit: At most so many.

        Returns:
            Newest first.

        Raises:
            LogUnavailable: The log does not answer.
        """
        once: dict[tuple[int, int], DeadLetter] = {}
        for letter in self._letters.read(limit):
            once.setdefault((letter.record.partition, letter.record.offset), letter)
        return list(once.values())

    def find(self, partition: int, offset: int) -> DeadLetter:
        """Find the dead letter of a record.

        Args:
            partition: Where the record lay.
            offset: Where it lay in the partition.

        Returns:
            The dead letter.

        Raises:
            NoSuchDeadLetter: There is none among the newest.
            LogUnavailable: The log does not answer.
        """
        for letter in self.newest(MAX_COUNT):
            if (letter.record.partition, letter.record.offset) == (partition, offset):
                return letter
        raise NoSuchDeadLetter(f"there is no dead letter of {partition}:{offset}")

    def replay(self, letter: DeadLetter) -> Appended:
        """Append a dead letter's record again: its own key, value and
        headers, so also its trace.

        Headers without a value are left out.

        It gets a new place behind all that were appended before. A
        message that is stored already is not stored again: its id
        tells. The dead letter stays where it is.

        Args:
            letter: Which.

        Returns:
            The record's new place.

        Raises:
            NotReplayable: The record cannot be appended as it is.
            LogUnavailable: The log did not confirm it; it may be there,
                and trying again is harmless.
        """
        record = _again(letter)
        try:
            return self._log.append(record).result(APPEND_SECONDS)
        except RecordTooLarge as error:
            raise NotReplayable(
                f"{letter.record.partition}:{letter.record.offset}: {error}"
            ) from error
        except TimeoutError as error:
            raise LogUnavailable(f"the log did not answer within {APPEND_SECONDS:g} s") from error


def _again(letter: DeadLetter) -> NewRecord:
    record = letter.record
    if record.key is None or record.value is None:
        missing = "key" if record.key is None else "value"
        raise NotReplayable(
            f"{record.partition}:{record.offset} has no {missing}: it can never be applied"
        )
    size = (
        len(record.key)
        + len(record.value)
        + sum(len(value or b"") for value in record.headers.values())
    )
    if size > MAX_RECORD_BYTES:
        raise NotReplayable(
            f"{record.partition}:{record.offset} has {size} bytes: no event has so many"
        )
    return NewRecord(record.key, record.value, _texts(letter, record.headers))


def _texts(letter: DeadLetter, headers: Mapping[str, bytes | None]) -> Mapping[str, str]:
    try:
        # One without a value says nothing to the worker, and not every
        # log's client can write it.
        return {name: value.decode() for name, value in headers.items() if value is not None}
    except UnicodeDecodeError as error:
        position = f"{letter.record.partition}:{letter.record.offset}"
        raise NotReplayable(
            f"{position} has a header that is no UTF-8: it can never be applied"
        ) from error
