from angarium.api.transport.ready_queue import CREDIT_S, FORGET_ABOVE, ReadyQueue

TURN = CREDIT_S / 4


def serve(ready: ReadyQueue[str], seconds: float = TURN) -> str:
    """Take the next connection, which is served for a while."""
    connection, _, address = ready.pop()
    ready.charge(address, seconds)
    return connection


def taken(ready: ReadyQueue[str]) -> list[str]:
    found = []
    while ready:
        found.append(serve(ready))
    return found


def flooded(addresses: int, connections: int) -> ReadyQueue[str]:
    """Addresses that have had their credit, and still have many
    connections that are ready.
    """
    ready: ReadyQueue[str] = ReadyQueue()
    for number in range(connections):
        for address in range(addresses):
            ready.add(f"flood{address}-{number}", f"flood{address}", 1)
    for _ in range(addresses * 10):
        serve(ready)
    return ready


def test_addresses_take_turns_and_connections_keep_their_order() -> None:
    ready: ReadyQueue[str] = ReadyQueue()
    for connection in ("a1", "a2", "a3", "b1", "c1", "c2"):
        ready.add(connection, connection[0], 1)
    assert taken(ready) == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_who_comes_seldom_comes_next_however_many_addresses_flood() -> None:
    ready = flooded(addresses=24, connections=50)
    for number in range(5):
        ready.add(f"light{number}", "light", 1)
        assert serve(ready) == f"light{number}"
        # Between two requests the others have a while.
        for _ in range(24 * 2):
            assert serve(ready).startswith("flood")


def test_who_has_had_the_credit_takes_turns_with_the_others() -> None:
    ready = flooded(addresses=2, connections=100)
    for number in range(50):
        ready.add(f"new{number}", "new", 1)
    served = [serve(ready)[:3] for _ in range(36)]
    assert 12 <= served.count("new") <= 12 + 2 * CREDIT_S / TURN


def test_a_connection_that_took_long_is_paid_for_by_its_address() -> None:
    ready: ReadyQueue[str] = ReadyQueue()
    for number in range(20):
        ready.add(f"slow{number}", "slow", 1)
        ready.add(f"fast{number}", "fast", 1)
    served = []
    for _ in range(15):
        _, _, address = ready.pop()
        ready.charge(address, TURN * 9 if address == "slow" else TURN)
        served.append(address)
    assert served.count("slow") <= 3


def test_ever_new_addresses_do_not_keep_one_that_was_served_from_being_served_again() -> None:
    ready: ReadyQueue[str] = ReadyQueue()
    for number in range(10):
        ready.add(f"old{number}", "old", 1)
        serve(ready, CREDIT_S * 2)
        ready.add("next", "next", 1)
    ready.add("old", "old", 1)
    for number in range(1_000):
        ready.add(f"new{number}", f"new{number}", 1)
        if serve(ready).startswith("old"):
            return
    raise AssertionError("newcomers came before it a thousand times")


def test_addresses_that_went_are_forgotten_while_others_are_busy() -> None:
    ready = flooded(addresses=1, connections=10_000)
    for number in range(2_000):
        ready.add(f"new{number}", f"new{number}", 1)
        for _ in range(5):
            serve(ready)
    assert len(ready._flows) <= 3 * FORGET_ABOVE


def test_whoever_is_there_keeps_the_place_and_all_that_woke_it() -> None:
    ready: ReadyQueue[str] = ReadyQueue()
    ready.add("a1", "a", 1)
    ready.add("a2", "a", 1)
    ready.add("a1", "a", 2)
    assert ready.pop() == ("a1", 3, "a")
    ready.charge("a", TURN)
    assert ready.pop() == ("a2", 1, "a")
    ready.charge("a", TURN)
    assert not ready
