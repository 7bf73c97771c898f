from collections.abc import Callable, Sequence
from uuid import UUID, uuid4

import pytest

from angarium.domain.errors import StoreUnavailable
from angarium.domain.user import User
from angarium.services.persistent_users import PersistentUsers
from tests.fakes.clock import ManualClock
from tests.fakes.users import MemoryUsers

ALICE = User(uuid4(), "alice", "a hash", 1)
TIMEOUT_S = 20.0

CALLS: dict[str, Callable[[PersistentUsers], object]] = {
    "get": lambda users: users.get(ALICE.user_id),
    "put": lambda users: users.put(ALICE),
    "all": lambda users: list(users.all()),
}


class Joining(MemoryUsers):
    """Users on a cluster that has too few nodes until a moment."""

    def __init__(self, clock: ManualClock, seconds: float) -> None:
        super().__init__()
        self._clock = clock
        self._up_at = clock.monotonic() + seconds

    def get(self, user_id: UUID) -> User | None:
        self._require()
        return super().get(user_id)

    def put(self, user: User) -> User:
        self._require()
        return super().put(user)

    def all(self) -> Sequence[User]:
        self._require()
        return super().all()

    def _require(self) -> None:
        if self._clock.monotonic() < self._up_at:
            raise StoreUnavailable("two copies are needed, one is up")


def persistent(clock: ManualClock, store: Joining) -> PersistentUsers:
    give_up_at = clock.monotonic() + TIMEOUT_S
    return PersistentUsers(store, lambda: give_up_at - clock.monotonic(), clock.sleep)


@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_comes_within_the_time_is_waited_for(clock: ManualClock, call: str) -> None:
    store = Joining(clock, TIMEOUT_S - 0.1)
    CALLS[call](persistent(clock, store))
    assert (store.get(ALICE.user_id) == ALICE) is (call == "put")


@pytest.mark.parametrize("call", CALLS)
def test_a_store_that_does_not_come_is_told_when_the_time_is_up(
    clock: ManualClock, call: str
) -> None:
    started = clock.monotonic()
    users = persistent(clock, Joining(clock, 2 * TIMEOUT_S))
    with pytest.raises(StoreUnavailable):
        CALLS[call](users)
    assert TIMEOUT_S - 0.1 <= clock.monotonic() - started <= TIMEOUT_S
    # The time is one for all calls.
    with pytest.raises(StoreUnavailable):
        CALLS[call](users)
    assert clock.monotonic() - started <= TIMEOUT_S
