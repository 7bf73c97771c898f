from angarium.api.transport.ready_queue import ReadyQueue


def taken(ready: ReadyQueue[str]) -> list[str]:
    found = []
    while ready:
        found.append(ready.pop()[0])
    return found


def test_addresses_take_turns_and_connections_keep_their_order() -> None:
    ready: ReadyQueue[str] = ReadyQueue()
    for connection in ("a1", "a2", "a3", "b1", "c1", "c2"):
        ready.add(connection, connection[0], 1)
    assert taken(ready) == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_who_comes_later_waits_for_one_of_each_other_address() -> None:
    ready: ReadyQueue[str] = ReadyQueue()
    for number in range(1_000):
        ready.add(f"a{number}", "a", 1)
    ready.pop()
    ready.add("b", "b", 1)
    assert taken(ready).index("b") == 1


def test_whoever_is_there_keeps_the_place_and_all_that_woke_it() -> None:
    ready: ReadyQueue[str] = ReadyQueue()
    ready.add("a1", "a", 1)
    ready.add("a2", "a", 1)
    ready.add("a1", "a", 2)
    assert ready.pop() == ("a1", 3)
    assert ready.pop() == ("a2", 1)
    assert not ready
