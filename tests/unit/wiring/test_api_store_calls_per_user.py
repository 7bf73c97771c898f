"""How many of one user's requests use the store at a time."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.domain.user import Principal
from angarium.wiring import embedded_engine, http_server
from tests.fakes.held_users import HeldUsers
from tests.fakes.raw_client import RawClient, get
from tests.fakes.serving import Running
from tests.waiting import until

READS = 3


def test_the_embedded_engine_makes_one_answer_of_a_user_at_a_time(tmp_path: Path) -> None:
    given = {"ANGARIUM_PORT": "0", "ANGARIUM_DATA": str(tmp_path / "data")}
    settings = Settings.from_env(given, command="serve")
    clock = SystemClock()
    one, other = UUID(int=1), UUID(int=2)
    with embedded_engine(settings, clock, "angarium-1") as engine, ExitStack() as stack:
        held = HeldUsers(engine.users)
        running = Running(http_server(settings, replace(engine, users=held), clock))
        stack.callback(running.end)
        stack.callback(held.gate.set)

        def ask(user_id: UUID, in_hand: int) -> None:
            token = engine.signer.issue(Principal(user_id, "somebody"), clock.now_ms())
            client = stack.enter_context(RawClient(running.url))
            client.send(get("/v1/users/me", f"Authorization: Bearer {token}"))
            until(lambda: running.server.dispatcher.in_flight == in_hand, f"request {in_hand}")

        for number in range(READS):
            ask(one, number + 1)
        ask(other, READS + 1)
        until(lambda: held.asked[other] == 1, "the other's turn")
        assert held.asked[one] == 1
