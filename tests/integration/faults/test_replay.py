"""What is in the log twice, or should not be in it at all, changes
nothing for anybody.
"""

import json
from contextlib import closing
from uuid import UUID, uuid4

import pytest

from angarium.domain.events import SCHEMA, NewMessage, encode
from angarium.domain.identifiers import user_id_for
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.ports.message_log import DeadLetter, Record
from tests.acceptance.caller import Caller
from tests.acceptance.service import PATIENCE, until
from tests.integration.faults.chat_load import chat_load, snapshot
from tests.integration.faults.cluster import PARTITIONS, Cluster, logged
from tests.integration.faults.topic import (
    await_dead_letters,
    await_worked_off,
    put_into_all_partitions,
)

pytestmark = pytest.mark.engines

ROUND = 60
TRACE = "f" * 32


def test_a_poisoned_record_is_put_away_and_what_comes_after_it_is_stored(service: Cluster) -> None:
    service.api()
    service.worker()
    with chat_load(service) as load:
        load.await_more(ROUND)
        put_into_all_partitions(service, b"{no event")
        load.await_more(ROUND)
        letters = await_dead_letters(service, PARTITIONS)
    assert [letter["source_topic"].decode() for letter in letters] == [service.topic] * PARTITIONS
    assert {int(letter["source_partition"]) for letter in letters} == set(range(PARTITIONS))
    assert all(letter["reason"] for letter in letters)
    assert len(logged(service.workers[0], "dead_lettered")) == PARTITIONS


def test_dead_letters_are_listed_and_replayed_once_by_the_command_line(service: Cluster) -> None:
    service.api()
    worker = service.worker()
    alice, bob = service.names[:2]
    with Caller(service.urls[0]) as caller:
        caller.token = service.token(alice)
        conversation = caller.open_conversation(bob)
        put_into_all_partitions(service, b"{no event")
        until(
            lambda: len(logged(worker, "dead_lettered")) == PARTITIONS,
            "what is no event is put away",
        )
        message_id = uuid4()
        position = bury(service, event(conversation, message_id, alice, bob))
        poisoned = [letter for letter in dead_letters(service) if letter["trace_id"] != TRACE]
        assert {letter["partition"] for letter in poisoned} == set(range(PARTITIONS))
        assert {letter["reason"] for letter in poisoned} == {"undecodable_event"}
        for _ in range(2):
            done = service.run("dead", "replay", position)
            assert done.returncode == 0, done.stderr
            assert done.stdout.startswith(f"{position} was appended again as ")
        until(
            lambda: len(logged(worker, "message_duplicate")) == 1,
            "the second replay is a duplicate",
        )
        assert [row["message_id"] for row in caller.history(conversation)] == [str(message_id)]
        (stored,) = logged(worker, "message_stored")
        assert stored["trace_id"] == TRACE
        everything = service.run("dead", "replay", "--all")
        assert everything.returncode == 0, everything.stderr
        until(
            lambda: len(logged(worker, "dead_lettered")) == 2 * PARTITIONS,
            "no event is put away again",
        )
        assert [row["message_id"] for row in caller.history(conversation)] == [str(message_id)]


def event(conversation: str, message_id: UUID, sender: str, recipient: str) -> NewMessage:
    people = (user_id_for(sender), user_id_for(recipient))
    return NewMessage(
        uuid4(), UUID(conversation), 0, message_id, *people, "better late than never"
    )


def bury(service: Cluster, message: NewMessage) -> str:
    """Put away a good message, as a worker of an older version may have
    done.
    """
    headers = {"trace_id": TRACE.encode(), "schema": SCHEMA.encode()}
    record = Record(
        0, 1_000_000, 0, str(message.conversation_id).encode(), encode(message), headers
    )
    with closing(
        KafkaDeadLetters(KafkaConnectionSettings((service.kafka,)), service.topic)
    ) as letters:
        letters.wait_until_connected(PATIENCE)
        letters.append(DeadLetter("undecodable_event", "unknown schema", record, TRACE)).result(
            PATIENCE
        )
    return f"{record.partition}:{record.offset}"


def dead_letters(service: Cluster) -> list[dict[str, object]]:
    done = service.run("dead", "list", "--json")
    assert done.returncode == 0, done.stderr
    listed: dict[str, list[dict[str, object]]] = json.loads(done.stdout)
    return listed["dead_letters"]


def test_a_replay_of_the_whole_topic_into_a_filled_store_changes_nothing(service: Cluster) -> None:
    service.api()
    first = service.worker()
    with chat_load(service) as load:
        load.await_more(3 * ROUND)
    assert first.terminate() == 0
    accepted = {line["message_id"] for line in logged(service.apis[0], "message_accepted")}
    assert {line["message_id"] for line in logged(first, "message_stored")} == accepted
    before = snapshot(load)
    another = f"{service.settings['ANGARIUM_GROUP']}-again"
    again = service.worker(ANGARIUM_GROUP=another)
    await_worked_off(service, another)
    assert snapshot(load) == before
    assert {row["status"] for rows in before.values() for row in rows} > {"DELIVERED"}
    assert logged(again, "message_stored") == []
    with Caller(service.urls[0]) as caller:
        assert caller.call("GET", "/health/ready").status == 200
    assert load.complaints() == []
