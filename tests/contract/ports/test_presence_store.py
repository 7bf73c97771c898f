import time
from uuid import uuid4

import pytest

from angarium.ports.presence import PresenceStore

ANSWER_S = 30.0
HOUR_MS = 3_600_000


@pytest.fixture
def now() -> int:
    # Stores may forget what is long past.
    return time.time_ns() // 1_000_000


def test_a_user_is_seen_when_noted(presence: PresenceStore, now: int) -> None:
    alice = uuid4()
    presence.touch(alice, now).result(ANSWER_S)
    assert presence.last_seen([alice]).result(ANSWER_S) == {alice: now}


def test_a_user_that_was_never_seen_is_left_out(presence: PresenceStore, now: int) -> None:
    alice, bob = uuid4(), uuid4()
    presence.touch(alice, now).result(ANSWER_S)
    assert presence.last_seen([bob, alice]).result(ANSWER_S) == {alice: now}
    assert presence.last_seen([bob]).result(ANSWER_S) == {}


def test_a_note_from_a_clock_that_is_ahead_or_behind_hides_no_later_one(
    presence: PresenceStore, now: int
) -> None:
    alice = uuid4()
    for wrong in (now + HOUR_MS, now - HOUR_MS):
        presence.touch(alice, wrong).result(ANSWER_S)
        # Within a millisecond the first of two may stand.
        give_up_at = time.monotonic() + ANSWER_S
        while presence.last_seen([alice]).result(ANSWER_S) != {alice: now}:
            assert time.monotonic() < give_up_at
            presence.touch(alice, now).result(ANSWER_S)


def test_of_racing_notes_one_stands(presence: PresenceStore, now: int) -> None:
    alice = uuid4()
    moments = [now + number * 7 % 50 for number in range(50)]
    for future in [presence.touch(alice, moment) for moment in moments]:
        future.result(ANSWER_S)
    assert presence.last_seen([alice]).result(ANSWER_S)[alice] in moments


def test_many_users_are_looked_up_at_once(presence: PresenceStore, now: int) -> None:
    everybody = [uuid4() for _ in range(300)]
    for future in [presence.touch(each, now + number) for number, each in enumerate(everybody)]:
        future.result(ANSWER_S)
    found = presence.last_seen([*everybody, everybody[0]]).result(ANSWER_S)
    assert found == {each: now + number for number, each in enumerate(everybody)}


def test_looking_nobody_up_finds_nobody(presence: PresenceStore) -> None:
    assert presence.last_seen([]).result(ANSWER_S) == {}
