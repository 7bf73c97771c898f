"""`angarium trace` on Kafka and Cassandra, while instances come and
go, and after somebody has deleted rows by CQL.
"""

import json
from collections.abc import Callable
from contextlib import closing
from typing import cast
from uuid import UUID, uuid4

import pytest

from angarium.engines.cassandra.cluster import CassandraAddress
from tests.acceptance.caller import Caller
from tests.acceptance.service import until
from tests.contract.ports.damage import CassandraDamage
from tests.engines.addresses import contact_points
from tests.engines.cassandra_sessions import connected
from tests.integration.faults.cluster import Cluster, logged

pytestmark = pytest.mark.engines

Fields = dict[str, object]
"""A JSON object."""


def trace(service: Cluster, *ids: str) -> Fields:
    done = service.run("trace", *ids, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return cast("Fields", json.loads(done.stdout))


def table(service: Cluster, *ids: str) -> dict[str, str]:
    done = service.run("trace", *ids)
    assert (done.returncode, done.stderr) == (0, "")
    return {line[:11].strip(): line[11:] for line in done.stdout.splitlines()}


def part(document: Fields, name: str) -> Fields:
    found = document[name]
    assert isinstance(found, dict)
    return cast("Fields", found)


def until_traced(
    service: Cluster, ids: tuple[str, str], is_so: Callable[[Fields], bool], what: str
) -> Fields:
    """Wait until a trace is as it should be, and give it."""
    traces: list[Fields] = []

    def is_traced_so() -> bool:
        traces.append(trace(service, *ids))
        return is_so(traces[-1])

    until(is_traced_so, what)
    return traces[-1]


def is_committed(document: Fields) -> bool:
    return part(document, "applied")["committed"] is not None


def test_a_message_is_traced_while_a_worker_dies(service: Cluster) -> None:
    api = service.api()
    first = service.worker()
    alice_name, bob_name, *_ = service.names
    with Caller(api.url) as alice, Caller(api.url) as bob:
        alice.log_in(alice_name, service.password)
        bob.log_in(bob_name, service.password)
        conversation = alice.open_conversation(bob_name)
        message_id = str(uuid4())
        ids = conversation, message_id
        accepted = alice.send(conversation, "hello", message_id)
        until(lambda: bool(logged(first, "message_stored")), "it is stored")
        stored = until_traced(service, ids, is_committed, "it is committed")
        assert stored["message"] == alice.call("GET", accepted.headers["location"]).body
        place = cast("Fields", accepted.body["log"])
        assert {name: part(stored, "log")[name] for name in place} == place
        assert part(stored, "log")["topic"] == service.topic
        assert part(stored, "accepted") == {
            "at": accepted.body["accepted_at"],
            "instance": logged(api, "started")[0]["instance"],
            "trace_id": accepted.body["trace_id"],
        }
        assert len(cast("list[str]", part(stored, "stored")["replicas"])) == 2
        assert part(stored, "applied")["owner"] == logged(first, "started")[0]["instance"]

        first.kill()
        bob.call("POST", f"{accepted.headers['location']}/delivered")
        alice.send(conversation, "hello again", message_id)
        bob.send(conversation, "mine", message_id)
        until(
            lambda: "owned by nobody" in table(service, *ids)["applied"], "the dead one is missed"
        )
        partition = f"{service.topic}[{place['partition']}]"
        words = table(service, *ids)
        assert "refused" not in words
        assert words["delivered"].startswith(f"not delivered yet: receipt {partition}@")
        assert words["delivered"].endswith(
            f"the group is 3 records behind, and nobody owns {partition}"
        )

        second = service.worker()
        until(lambda: bool(logged(second, "dead_lettered")), "the conflict is refused")
        done = until_traced(
            service,
            ids,
            lambda found: part(found, "applied")["committed"] == part(found, "applied")["end"],
            "all is committed",
        )
        assert part(done, "delivered")["at"]
        assert len(cast("list[Fields]", done["duplicates"])) == 1
        assert part(done, "dead_letter")["reason"] == "message_id_conflict"
        assert part(done, "applied")["owner"] == logged(second, "started")[0]["instance"]


def test_deleted_rows_are_named(service: Cluster) -> None:
    api = service.api()
    worker = service.worker()
    alice_name, bob_name, *_ = service.names
    with Caller(api.url).log_in(alice_name, service.password) as alice:
        conversation = alice.open_conversation(bob_name)
        accepted = alice.send(conversation, "hello")
        ids = conversation, accepted.text("message_id")
        until(lambda: bool(logged(worker, "message_stored")), "it is stored")
        until_traced(service, ids, is_committed, "it is committed")
    keyspace = service.settings["ANGARIUM_KEYSPACE"]
    points = contact_points(service.settings["ANGARIUM_CASSANDRA"])
    with closing(connected(CassandraAddress(points, keyspace))) as session:
        damage = CassandraDamage(session)
        damage.execute("DELETE FROM messages WHERE conversation_id = %s", UUID(conversation))
        words = table(service, *ids)
        assert words["stored"].startswith("not stored, though the index has it at (")
        assert words["message"].startswith(f"{ids[1]}  {alice_name} to {bob_name}  5 bytes")
        damage.delete_index(UUID(conversation), UUID(ids[1]))
    words = table(service, *ids)
    assert words["stored"] == (
        "not stored, though the group is past its record; see `angarium audit --conversation "
        f"{conversation}`"
    )
