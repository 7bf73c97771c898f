"""Reading a conversation back, whole, through one instance."""

import time
from collections.abc import Callable, Sequence

from angarium import backoff
from angarium.cli.errors import RequestFailed
from angarium.cli.verify.checks import is_settled, judge
from angarium.cli.verify.findings import Finding, Kind
from angarium.cli.verify.ledger import ConversationRecord
from angarium.cli.verify.observations import Observation, Observations
from angarium.cli.verify.round_robin import VerifyClient

PAGE = 100


class Reading:
    """Reads until everything is there or the patience is over; used by
    one thread.

    The patience is one for all conversations and instances together;
    each of them is tried at least once.
    """

    def __init__(
        self,
        patience: float,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Begin to be patient.

        Args:
            patience: Seconds.
            monotonic: Measures.
            sleep: Waits.
        """
        self._give_up_at = monotonic() + patience
        self._monotonic = monotonic
        self._sleep = sleep

    def compare(
        self, track: ConversationRecord, voices: Sequence[VerifyClient], sightings: Observations
    ) -> list[Finding]:
        """Read a conversation through every instance and hold it
        against the ledger.

        Args:
            track: What was promised.
            voices: One for each instance.
            sightings: What was seen before; told of what is seen now.

        Returns:
            Everything that is wrong.
        """
        found: list[Finding] = []
        readings: dict[str, Sequence[Observation]] = {}
        for voice in voices:
            seen, trouble = self._settled(track, voice, sightings)
            if seen is None:
                found.append(
                    Finding(Kind.UNREAD, f"{track.conversation_id} at {voice.url}: {trouble}")
                )
            else:
                readings[voice.url] = seen
        return found + judge(track, readings)

    def _settled(
        self, track: ConversationRecord, voice: VerifyClient, sightings: Observations
    ) -> tuple[list[Observation] | None, RequestFailed | None]:
        seen: list[Observation] | None = None
        trouble: RequestFailed | None = None
        for wait in backoff.delays(0.1, 2.0):
            try:
                seen = _read(track, voice, sightings)
                if is_settled(track, seen):
                    return seen, None
            except RequestFailed as failure:
                trouble = failure
                if not failure.may_pass:
                    return seen, trouble
            if self._monotonic() + wait >= self._give_up_at:
                return seen, trouble
            self._sleep(wait)
        raise AssertionError("the waits never end")


def _read(
    track: ConversationRecord, voice: VerifyClient, sightings: Observations
) -> list[Observation]:
    seen: list[Observation] = []
    cursor: str | None = track.cursor
    while cursor is not None:
        page = voice.history(track.conversation_id, PAGE, cursor)
        for message in page.messages:
            sighting = Observation.of(message)
            sightings.note(sighting, voice.url)
            seen.append(sighting)
        cursor = page.next_cursor
    return seen
