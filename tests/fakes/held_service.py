"""A service on the embedded engine whose users a test holds back."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from angarium.clock import SystemClock
from angarium.config import Settings
from angarium.domain.user import Principal, User
from angarium.ports.users import UserStore
from angarium.wiring import embedded_engine, http_server
from tests.fakes.raw_client import RawClient, get
from tests.fakes.serving import PATIENCE, Running
from tests.waiting import until


class HeldUsers:
    """Lets nobody have an answer before the gate is open.

    Attributes:
        asked: How often each user was asked for.
        gate: Open to let them go.
    """

    def __init__(self, users: UserStore, passed: Callable[[], object] = lambda: None) -> None:
        self.asked: Counter[UUID] = Counter()
        self.gate = threading.Event()
        self._users = users
        self._passed = passed

    def get(self, user_id: UUID) -> User | None:
        self.asked[user_id] += 1
        self.gate.wait(PATIENCE)
        self._passed()
        return self._users.get(user_id)

    def put(self, user: User) -> User:
        return self._users.put(user)

    def all(self) -> Sequence[User]:
        return self._users.all()


@dataclass(frozen=True)
class HeldService:
    """A running service; nobody has an answer before the gate is open.

    Attributes:
        users: Whose store is held.
        running: The server.
        ask: Sends a request of a user that needs the store, and waits
            until so many are in flight.
    """

    users: HeldUsers
    running: Running
    ask: Callable[[UUID, int], None]

    @property
    def in_flight(self) -> int:
        return self.running.server.dispatcher.in_flight


@contextmanager
def held_service(
    folder: Path, passed: Callable[[], object] = lambda: None
) -> Iterator[HeldService]:
    given = {"ANGARIUM_PORT": "0", "ANGARIUM_DATA": str(folder / "data")}
    settings = Settings.from_env(given, command="serve")
    clock = SystemClock()
    with embedded_engine(settings, clock, "angarium-1") as engine, ExitStack() as stack:
        held = HeldUsers(engine.users, passed)
        running = Running(http_server(settings, replace(engine, users=held), clock))
        stack.callback(running.end)
        stack.callback(held.gate.set)

        def ask(user_id: UUID, in_flight: int) -> None:
            token = engine.signer.issue(Principal(user_id, "somebody"), clock.now_ms())
            client = stack.enter_context(RawClient(running.url))
            client.send(get("/v1/users/me", f"Authorization: Bearer {token}"))
            until(lambda: service.in_flight == in_flight, f"request {in_flight}")

        service = HeldService(held, running, ask)
        yield service
