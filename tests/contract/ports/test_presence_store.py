import time
from uuid import uuid4

import pytest

from angarium.ports.presence import PresenceStore

ANSWER_SECONDS = 30.0


@pytest.fixture
def now() -> int:
    # Stores may forget what is long past.
    return time.time_ns() // 1_000_000


def test_a_user_is_seen_when_noted(presence: PresenceStore, now: int) -> None:
    alice = uuid4()
    presence.touch(alice, now).result(ANSWER_SECONDS)
    assert presence.last_seen([alice]).result(ANSWER_SECONDS) == {alice: now}


def test_a_user_that_was_never_seen_is_left_out(presence: PresenceStore, now: int) -> None:
    alice, bob = uuid4(), uuid4()
    presence.touch(alice, now).result(ANSWER_SECONDS)
    assert presence.last_seen([bob, alice]).result(ANSWER_SECONDS) == {alice: now}
    assert presence.last_seen([bob]).result(ANSWER_SECONDS) == {}


def test_the_latest_moment_counts_in_whatever_order_they_are_noted(presence: PresenceStore, now: int) -> None:
    alice = uuid4()
    for moment in (now - 10, now, now - 5, now):
        presence.touch(alice, moment).result(ANSWER_SECONDS)
    assert presence.last_seen([alice]).result(ANSWER_SECONDS) == {alice: now}
    presence.touch(alice, now + 1).result(ANSWER_SECONDS)
    assert presence.last_seen([alice]).result(ANSWER_SECONDS) == {alice: now + 1}


def test_racing_notes_keep_the_latest(presence: PresenceStore, now: int) -> None:
    alice = uuid4()
    for future in [presence.touch(alice, now + number * 7 % 50) for number in range(50)]:
        future.result(ANSWER_SECONDS)
    assert presence.last_seen([alice]).result(ANSWER_SECONDS) == {alice: now + 49}


def test_many_users_are_looked_up_at_once(presence: PresenceStore, now: int) -> None:
    everybody = [uuid4() for _ in range(300)]
    for future in [presence.touch(each, now + number) for number, each in enumerate(everybody)]:
        future.result(ANSWER_SECONDS)
    found = presence.last_seen([*everybody, everybody[0]]).result(ANSWER_SECONDS)
    assert found == {each: now + number for number, each in enumerate(everybody)}


def test_looking_nobody_up_finds_nobody(presence: PresenceStore) -> None:
    assert presence.last_seen([]).result(ANSWER_SECONDS) == {}
