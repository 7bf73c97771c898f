"""`angarium send --trace`."""

import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from angarium.cli.console import Console
from angarium.cli.send_trace import MonotonicClock, SendTrace
from angarium.client import AcceptedMessage, RequestFailed
from angarium.client.bodies import LogPosition, MessageBody
from angarium.client.errors import ApiProblem, ServerUnreachable
from tests.fakes.clock import ManualClock
from tests.unit.cli.conftest import Shell
from tests.unit.cli.fake_server import FakeServer, Fault

BODY = (
    '{"message_id":"m","conversation_id":"c","status":"ACCEPTED",'
    '"accepted_at":"2026-04-03T12:00:00.000Z","trace_id":"ab"}'
)
AT_813 = LogPosition(6, 813)
NOT_FOUND = ApiProblem(404, "message_not_found", "There is no such message")


def seen(status: str) -> MessageBody:
    delivered_at = "2026-04-03T12:00:01.000Z" if status == "DELIVERED" else None
    fields = {
        "status": status,
        "timestamp": "2026-04-03T12:00:00.000Z",
        "delivered_at": delivered_at,
    }
    moment = datetime(2026, 4, 3, 12, tzinfo=UTC)
    return MessageBody("m", "c", "s", "hi", moment, status, fields)


class Scene:
    """A trace whose looks see what a test says, one after the other;
    the last one for ever. A look takes 10 ms.
    """

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.out, self.err = io.StringIO(), io.StringIO()
        self.looks = 0

    def run(
        self,
        *looks: MessageBody | RequestFailed,
        position: LogPosition | None = AT_813,
        timeout_s: float = 10.0,
        as_json: bool = False,
    ) -> int:
        console = Console(io.StringIO(), self.out, self.err, {})
        clock = MonotonicClock(self.clock.monotonic, self.clock.sleep)
        trace = SendTrace(console, "bob", as_json, timeout_s, clock)
        rest = self._rest(looks)

        def send() -> AcceptedMessage:
            self.clock.advance(0.012)
            return AcceptedMessage("m", BODY, position)

        def look(message_id: str) -> MessageBody:
            assert message_id == "m"
            self.looks += 1
            self.clock.advance(0.01)
            found = next(rest)
            if isinstance(found, RequestFailed):
                raise found
            return found

        return trace._follow(send, look)

    @staticmethod
    def _rest(
        looks: Sequence[MessageBody | RequestFailed],
    ) -> Iterator[MessageBody | RequestFailed]:
        yield from looks
        while True:
            yield looks[-1]

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()

    @property
    def document(self) -> dict[str, dict[str, object] | None]:
        (line,) = self.lines
        found: dict[str, dict[str, object] | None] = json.loads(line)
        return found


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_every_step_is_told_with_its_time(scene: Scene) -> None:
    assert scene.run(seen("SENT"), seen("SENT"), seen("DELIVERED")) == 0
    accepted, stored, delivered = scene.lines
    assert accepted == "accepted   at partition 6, offset 813, after 12 ms (m)"
    assert stored == "stored     as SENT after 22 ms"
    assert delivered.startswith("delivered  after ")
    assert scene.looks == 3


def test_a_message_that_nobody_confirms_is_a_success(scene: Scene) -> None:
    assert scene.run(NOT_FOUND, seen("PENDING")) == 0
    assert scene.lines[1].startswith("stored     as PENDING after ")
    assert scene.lines[2] == (
        "delivered  not yet, 2 s after it was stored: bob has not confirmed it"
    )
    assert scene.clock.monotonic() < 1_002.5


def test_a_message_that_is_not_stored_in_time_is_no_success(scene: Scene) -> None:
    assert scene.run(NOT_FOUND) == 1
    assert len(scene.lines) == 1
    assert scene.err.getvalue() == (
        "angarium: accepted, but not stored within 10 s: the workers are behind or stopped; it is "
        "in the log and will be stored: see `angarium trace c m` where the service runs\n"
    )
    assert 1_010 <= scene.clock.monotonic() < 1_010.5


def test_looks_are_few(scene: Scene) -> None:
    assert scene.run(NOT_FOUND) == 1
    assert scene.looks <= 90


def test_no_time_is_one_look(scene: Scene) -> None:
    assert scene.run(seen("DELIVERED"), timeout_s=0) == 0
    assert scene.lines[1] == "stored     as DELIVERED after 22 ms"
    assert scene.lines[2] == "delivered  after 22 ms"


@pytest.mark.parametrize(
    "failure",
    [
        ServerUnreachable("http://127.0.0.1:1", "connection refused"),
        ApiProblem(503, "store_unavailable", "The store is away"),
    ],
)
def test_an_outage_between_the_looks_is_waited_for(failure: RequestFailed, scene: Scene) -> None:
    assert scene.run(failure, failure, seen("SENT"), failure, seen("DELIVERED")) == 0
    assert scene.lines[2].startswith("delivered  after ")


def test_a_look_that_is_refused_ends_it(scene: Scene) -> None:
    with pytest.raises(ApiProblem):
        scene.run(ApiProblem(401, "expired_token", "The token has expired"))


def test_the_json_is_one_document(scene: Scene) -> None:
    assert scene.run(seen("SENT"), seen("DELIVERED"), as_json=True) == 0
    document = scene.document
    delivered = document.pop("delivered")
    assert delivered is not None
    assert delivered.pop("at") == "2026-04-03T12:00:01.000Z"
    assert list(delivered) == ["after_ms"]
    assert document == {
        "message_id": "m",
        "conversation_id": "c",
        "trace_id": "ab",
        "accepted": {
            "at": "2026-04-03T12:00:00.000Z",
            "partition": 6,
            "offset": 813,
            "after_ms": 12,
        },
        "stored": {
            "status": "SENT",
            "timestamp": "2026-04-03T12:00:00.000Z",
            "after_ms": 22,
        },
    }


def test_the_json_of_what_did_not_happen_is_null(scene: Scene) -> None:
    assert scene.run(seen("SENT"), as_json=True) == 0
    assert scene.document["delivered"] is None
    other = Scene()
    assert other.run(NOT_FOUND, as_json=True, position=None) == 1
    assert other.document["stored"] is None
    accepted = other.document["accepted"]
    assert accepted is not None
    assert (accepted["partition"], accepted["offset"]) == (None, None)


def test_an_older_server_does_not_tell_the_position(scene: Scene) -> None:
    assert scene.run(seen("SENT"), position=None) == 0
    assert scene.lines[0] == "accepted   after 12 ms (m)"


def test_the_command_follows_its_message_through_the_api(alice: Shell, server: FakeServer) -> None:
    server.faults.append(Fault("/v1/conversations/", "drop"))
    assert alice.run("send", "bob", "hello", "--trace") == 0
    (stored,) = server.service.messages
    accepted, seen_as, delivered = alice.out.splitlines()
    assert accepted.endswith(f" ms ({stored.message_id})")
    assert seen_as.startswith("stored     as SENT after ")
    assert delivered.startswith("delivered  not yet")
    path = f"/v1/conversations/{stored.conversation_id}/messages/{stored.message_id}"
    assert server.requests.count(f"GET {path}") > 1


def test_a_worker_that_is_away_ends_the_command_with_1(alice: Shell, server: FakeServer) -> None:
    server.service.storing = False
    assert alice.run("send", "bob", "hello", "--trace", "--timeout", "0.1", "--json") == 1
    assert json.loads(alice.out)["stored"] is None
    assert "not stored within 0.1 s" in alice.err


def test_a_timeout_without_a_trace_is_wrong_usage(alice: Shell, server: FakeServer) -> None:
    assert alice.run("send", "bob", "hello", "--timeout", "3") == 2
    assert "--timeout goes with --trace" in alice.err
    assert server.service.messages == []
