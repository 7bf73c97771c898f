"""The table of a connection's states is the truth, and is explained."""

import re

from angarium.api.transport import connection_state
from angarium.api.transport.connection_state import CLOSED, TRANSITIONS, ConnectionState


def test_every_state_has_its_steps_and_may_end() -> None:
    assert set(TRANSITIONS) == set(ConnectionState)
    assert all(CLOSED in after for state, after in TRANSITIONS.items() if state is not CLOSED)
    assert TRANSITIONS[CLOSED] == frozenset()


def test_the_table_at_the_top_of_the_file_has_the_same_steps() -> None:
    names = "|".join(state.name for state in ConnectionState)
    rows = re.findall(rf"^({names}) +({names}) ", connection_state.__doc__ or "", re.MULTILINE)
    explained = {(ConnectionState[before], ConnectionState[after]) for before, after in rows}
    steps = {(before, after) for before, to in TRANSITIONS.items() for after in to}
    to_itself = {(state, state) for state in ConnectionState}
    assert {step for step in steps - to_itself if step[1] is not CLOSED} == {
        step for step in explained if step[1] is not CLOSED
    }
