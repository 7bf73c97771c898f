import pytest

from angarium.api.transport.shares import Shares


def filled(shares: Shares, user: str, source: str, most: int = 10_000) -> int:
    """Take requests in hand until there is no more room: how many."""
    for number in range(most):
        if not shares.has_room(user, source):
            return number
        shares.add(user, source)
    raise AssertionError("there is no end of room")


@pytest.mark.parametrize("bound", [1, 2, 3, 8])
def test_a_small_bound_is_filled_by_one_user_to_the_last(bound: int) -> None:
    shares = Shares(bound)
    assert filled(shares, "alice", "home") == bound == shares.total
    assert not shares.has_room("bob", "office")


def test_one_user_leaves_others_room() -> None:
    shares = Shares(1024)
    assert filled(shares, "mallory", "home") == 911
    assert shares.has_room("alice", "office")
    assert shares.has_room("alice", "home"), "an address has more than one user"


def test_two_users_that_take_all_they_can_leave_others_room() -> None:
    shares = Shares(1024)
    for number in range(2):
        filled(shares, f"mallory {number}", f"home {number}")
    assert shares.has_room("alice", "office")


def test_an_address_with_many_users_leaves_other_addresses_room() -> None:
    shares = Shares(1024)
    for number in range(1024):
        filled(shares, f"mallory {number}", "home", 1025)
    assert shares.total < 1024
    assert not shares.has_room("one more", "home")
    assert shares.has_room("alice", "office")


def test_a_user_from_many_addresses_has_one_share() -> None:
    shares = Shares(1024)
    for number in range(2_000):
        if shares.has_room("mallory", f"home {number}"):
            shares.add("mallory", f"home {number}")
    assert shares.has_room("alice", "office")


def test_the_bound_holds_whoever_asks() -> None:
    shares = Shares(100)
    for number in range(1_000):
        if shares.has_room(f"user {number}", f"address {number}"):
            shares.add(f"user {number}", f"address {number}")
    assert shares.total == 100


def test_it_tells_how_many_a_user_has() -> None:
    shares = Shares(8)
    shares.add("alice", "home")
    shares.add("alice", "office")
    assert (shares.of("alice"), shares.of("bob")) == (2, 0)


def test_what_is_answered_leaves_room_and_nothing_else() -> None:
    shares = Shares(2)
    shares.add("alice", "home")
    shares.add("bob", "home")
    shares.remove("alice", "home")
    assert shares.has_room("carol", "office")
    shares.remove("bob", "home")
    assert (shares.total, len(shares._users), len(shares._sources)) == (0, 0, 0)
