from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from angarium.api.transport.connection_table import ConnectionTable


def table(*connections: str) -> ConnectionTable[str]:
    """Open connections that all wait, each named after its address and
    a number.
    """
    opened: ConnectionTable[str] = ConnectionTable()
    for connection in connections:
        opened.add(connection, connection[0])
        opened.waits(connection)
    return opened


def first(opened: ConnectionTable[str]) -> str | None:
    return next(opened.candidates(), None)


def test_the_longest_waiting_of_the_address_that_has_most_goes_first() -> None:
    opened = table("b1", "a1", "a2", "c1")
    assert first(opened) == "a1"
    opened.waits("a1")
    assert first(opened) == "a2"


def test_of_addresses_with_as_many_the_one_that_is_still_for_longest_goes_first() -> None:
    opened = table("a1", "b1", "c1")
    opened.waits("a1")
    assert first(opened) == "b1"


def test_what_works_never_goes() -> None:
    opened = table("a1", "a2", "b1")
    opened.works("a1")
    assert first(opened) == "a2"
    opened.works("a2")
    assert first(opened) == "b1"
    opened.works("b1")
    assert (first(opened), opened.has_waiting) == (None, False)


def test_what_is_closed_counts_no_more() -> None:
    opened = table("a1", "a2", "a3", "b1", "b2")
    for connection in ("a1", "a3", "a3"):
        opened.remove(connection)
    assert (len(opened), opened.largest()) == (3, ("b", 2))
    assert first(opened) == "b1"


def test_nobody_goes_where_nobody_is() -> None:
    opened = table()
    assert (first(opened), opened.largest(), len(opened)) == (None, ("", 0), 0)


def test_only_a_few_are_looked_at() -> None:
    opened = table(*(f"a{number}" for number in range(1_000)))
    assert len(list(islice(opened.candidates(), 1_000))) < 50


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "waits", "works"]),
        st.sampled_from("abc"),
        st.integers(0, 4),
    ),
    max_size=60,
)


@given(STEPS)
def test_it_agrees_with_a_simple_count_whatever_happens(steps: list[tuple[str, str, int]]) -> None:
    opened: ConnectionTable[str] = ConnectionTable()
    there: dict[str, bool] = {}
    order: list[str] = []
    for step, address, number in steps:
        name = f"{address}{number}"
        if step == "add":
            if name not in there:
                opened.add(name, address)
                there[name] = False
            continue
        getattr(opened, step)(name)
        if name in order:
            order.remove(name)
        if step == "remove":
            there.pop(name, None)
        elif name in there:
            there[name] = step == "waits"
            if step == "waits":
                order.append(name)
    sizes = {address: sum(name[0] == address for name in there) for address in "abc"}
    assert len(opened) == len(there)
    assert set(opened) == set(there)
    assert opened.has_waiting == any(there.values())
    assert opened.largest()[1] == max(sizes.values())
    waiting = [name for name in order if there[name]]
    expected = max((sizes[name[0]] for name in waiting), default=0)
    found = first(opened)
    assert (found is None) == (not waiting)
    if found is not None:
        assert sizes[found[0]] == expected
        assert found == next(name for name in waiting if name[0] == found[0])
