"""Compares what was accepted with what is read back."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from angarium import backoff
from angarium.cli.verify.findings import Finding, Kind, Observation, Observations
from angarium.cli.verify.ledger import UNKNOWN, ConversationRecord
from angarium.cli.verify.round_robin import VerifyClient
from angarium.client import RequestFailed


def is_complete(record: ConversationRecord, seen: Sequence[Observation]) -> bool:
    """Return whether everything accepted can be read by now.

    Args:
        record: What a conversation's writer recorded.
        seen: A reading of it.

    Returns:
        False when waiting may still help.
    """
    statuses = {each.message_id: each.status for each in seen}
    return all(each in statuses for each in record.accepted) and all(
        statuses.get(each) == "DELIVERED" for each in record.confirmed
    )


def judge(
    record: ConversationRecord, readings: Mapping[str, Sequence[Observation]]
) -> list[Finding]:
    """Find every broken promise of one conversation.

    Args:
        record: What was sent and accepted.
        readings: What is read, in the order of the pages, by the URL it
            was read through.

    Returns:
        The findings; those that several readers share come once for
        each of them.
    """
    found: list[Finding] = []
    for url, seen in readings.items():
        for check in (_find_lost, _find_doubled, _find_reordered, _find_altered):
            found += [Finding(each.kind, f"{each.text}, at {url}") for each in check(record, seen)]
    return found + list(_find_disagreeing(record, readings))


def _find_lost(record: ConversationRecord, seen: Sequence[Observation]) -> Iterator[Finding]:
    """Find accepted messages that cannot be read."""
    there = {each.message_id for each in seen}
    for message_id, offset in zip(record.accepted, record.offsets, strict=True):
        if message_id not in there:
            # Where its record lies, or lay.
            where = (
                "" if offset == UNKNOWN else f" (partition {record.partition}, offset {offset})"
            )
            yield Finding(Kind.LOST, f"{message_id} of {record.conversation_id}{where}")


def _find_doubled(record: ConversationRecord, seen: Sequence[Observation]) -> Iterator[Finding]:
    """Find messages that are there twice, by id or by text."""
    for message_id, times in Counter(each.message_id for each in seen).items():
        if times > 1 and message_id in record.sent:
            yield Finding(Kind.DOUBLED, f"{message_id} comes {times} times")
    # Every text of a ledger is written once: the same one under another
    # id is a second message.
    texts = {content: message_id for message_id, content in record.sent.items()}
    for each in seen:
        if texts.get(each.content, each.message_id) != each.message_id:
            yield Finding(Kind.DOUBLED, f"{texts[each.content]} comes again as {each.message_id}")


def _find_reordered(record: ConversationRecord, seen: Sequence[Observation]) -> Iterator[Finding]:
    """Find messages in another order than they were accepted."""
    positions: dict[str, int] = {}
    for index, each in enumerate(seen):
        positions.setdefault(each.message_id, index)
    furthest, latest = -1, ""
    for message_id in record.accepted:
        if message_id not in positions:
            continue
        if (position := positions[message_id]) < furthest:
            yield Finding(
                Kind.REORDERED,
                f"{message_id} was read before {latest}, which was accepted earlier",
            )
        else:
            furthest, latest = position, message_id
    for before, after in pairwise(seen):
        if after.timestamp < before.timestamp:
            yield Finding(
                Kind.REORDERED, f"{after.message_id} has a lower timestamp than the one before"
            )


def _find_altered(record: ConversationRecord, seen: Sequence[Observation]) -> Iterator[Finding]:
    """Find changed texts, and confirmed but undelivered ones."""
    for each in seen:
        if record.sent.get(each.message_id, each.content) != each.content:
            yield Finding(Kind.ALTERED, each.message_id)
        if each.message_id in record.confirmed and each.status != "DELIVERED":
            yield Finding(Kind.UNDELIVERED, f"{each.message_id} is {each.status}")


def _find_disagreeing(
    record: ConversationRecord, readings: Mapping[str, Sequence[Observation]]
) -> Iterator[Finding]:
    """Find instances that return different messages."""
    # What was never accepted may come to be stored between two
    # readings.
    accepted = set(record.accepted)
    compared = {
        url: [
            (each.message_id, each.timestamp, each.content)
            for each in seen
            if each.message_id in accepted
        ]
        for url, seen in readings.items()
    }
    urls = list(compared)
    for url in urls[1:]:
        if compared[url] == compared[urls[0]]:
            continue
        differing = set(compared[url]) ^ set(compared[urls[0]])
        what = f"{len({each[0] for each in differing})} messages" if differing else "the order"
        yield Finding(
            Kind.DISAGREEING, f"{url} and {urls[0]} differ in {what} of {record.conversation_id}"
        )


PAGE = 100


class Reading:
    """Reads until everything is there or the time is over.

    Used by one thread.

    The patience is one for all conversations and instances together;
    each of them is tried at least once.
    """

    def __init__(
        self,
        patience_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Start the time limit of the reading.

        Args:
            patience_s: Seconds.
            monotonic: Returns seconds, as `time.monotonic`.
            sleep: Waits for a number of seconds.
        """
        self._give_up_at = monotonic() + patience_s
        self._monotonic = monotonic
        self._sleep = sleep

    def compare(
        self,
        record: ConversationRecord,
        clients: Sequence[VerifyClient],
        observations: Observations,
    ) -> list[Finding]:
        """Read a conversation through each instance and check it.

        Args:
            record: What was sent and accepted.
            clients: One for each instance.
            observations: What was read before; gets what is read now.

        Returns:
            Everything that is wrong.
        """
        found: list[Finding] = []
        readings: dict[str, Sequence[Observation]] = {}
        for client in clients:
            seen, trouble = self._read_until_complete(record, client, observations)
            if seen is None:
                found.append(
                    Finding(Kind.UNREAD, f"{record.conversation_id} at {client.url}: {trouble}")
                )
            else:
                readings[client.url] = seen
        return found + judge(record, readings)

    def _read_until_complete(
        self, record: ConversationRecord, client: VerifyClient, observations: Observations
    ) -> tuple[list[Observation] | None, RequestFailed | None]:
        """Read again until all is there; return the last error."""
        seen: list[Observation] | None = None
        trouble: RequestFailed | None = None
        for wait in backoff.delays(0.1, 2.0):
            try:
                seen = _read(record, client, observations)
                if is_complete(record, seen):
                    return seen, None
            except RequestFailed as failure:
                trouble = failure
                if not failure.retryable:
                    return seen, trouble
            if self._monotonic() + wait >= self._give_up_at:
                return seen, trouble
            self._sleep(wait)
        raise AssertionError("the waits never end")


def _read(
    record: ConversationRecord, client: VerifyClient, observations: Observations
) -> list[Observation]:
    """Read a whole conversation through one instance."""
    seen: list[Observation] = []
    cursor: str | None = record.cursor
    while cursor is not None:
        page = client.history(record.conversation_id, PAGE, cursor)
        for message in page.messages:
            observation = Observation.of(message)
            observations.note(observation, client.url)
            seen.append(observation)
        cursor = page.next_cursor
    return seen
