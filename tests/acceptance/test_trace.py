"""`angarium trace` beside the real program, and without it."""

import json
from pathlib import Path
from typing import cast
from uuid import uuid4

from tests.acceptance.caller import Caller, user_id
from tests.acceptance.service import Service, run_cli, running, until

Fields = dict[str, object]
"""A JSON object."""


def trace(service: Service, *ids: str) -> Fields:
    done = run_cli("trace", *ids, "--json", ANGARIUM_DATA=service.settings["ANGARIUM_DATA"])
    assert (done.returncode, done.stderr) == (0, "")
    return cast("Fields", json.loads(done.stdout))


def table(service: Service, *ids: str) -> str:
    done = run_cli("trace", *ids, ANGARIUM_DATA=service.settings["ANGARIUM_DATA"])
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def part(document: Fields, name: str) -> Fields:
    found = document[name]
    assert isinstance(found, dict)
    return cast("Fields", found)


def test_a_message_is_traced_by_the_location_of_its_202(
    service: Service, alice: Caller, bob: Caller
) -> None:
    conversation = alice.open_conversation("bob")
    message_id = str(uuid4())
    accepted = alice.send(conversation, "Hello", message_id)
    location = accepted.headers["location"]
    until(lambda: alice.call("GET", location).status == 200, "it is stored")
    again = alice.send(conversation, "Hello again", message_id)
    bob.call("POST", f"{location}/delivered")
    until(lambda: alice.call("GET", location).body["status"] == "DELIVERED", "it is delivered")

    found = trace(service, location)
    body = alice.call("GET", location).body
    assert found["message"] == body
    (line,) = [
        each
        for each in service.log_lines()
        if each["action"] == "message_accepted" and each["trace_id"] == accepted.body["trace_id"]
    ]
    assert found["accepted"] == {
        "at": accepted.body["accepted_at"],
        "instance": line["instance"],
        "trace_id": accepted.body["trace_id"],
    }
    place = cast("Fields", accepted.body["log"])
    log = part(found, "log")
    size = log.pop("bytes")
    assert isinstance(size, int)
    assert size > len(message_id) + len("Hello")
    assert log == {"topic": "messages", **place, "expired": False}
    assert part(found, "stored") == {
        "timestamp": body["timestamp"],
        "seq": place["offset"],
        "status": "DELIVERED",
        "index": True,
        "replicas": [],
    }
    assert part(found, "delivered")["at"] == body["delivered_at"]
    assert part(found, "delivered")["partition"] == place["partition"]
    assert found["duplicates"] == [again.body["log"]]
    assert found["dead_letter"] is None
    assert part(found, "applied")["owner"] == line["instance"]

    lines = table(service, conversation, message_id).splitlines()
    assert lines[0] == f"message    {message_id}  alice to bob  5 bytes"
    assert "Hello" not in "".join(lines)


def test_the_id_of_the_other_participant_shows_its_dead_letter(
    service: Service, alice: Caller, bob: Caller
) -> None:
    conversation = alice.open_conversation("bob")
    message_id = str(uuid4())
    alice.send(conversation, "mine", message_id)
    theirs = bob.send(conversation, "no, mine", message_id)
    until(
        lambda: trace(service, conversation, message_id)["dead_letter"] is not None,
        "it is a dead letter",
    )
    found = trace(service, conversation, message_id)
    letter = part(found, "dead_letter")
    assert letter["reason"] == "message_id_conflict"
    assert {name: letter[name] for name in ("partition", "offset")} == theirs.body["log"]
    assert part(found, "message")["sender_id"] == user_id("alice")
    assert found["duplicates"] == []


def test_lag_a_death_and_retention_are_told_and_what_is_left_is_shown(folder: Path) -> None:
    service = Service(folder, ("serve", "--no-worker"), ANGARIUM_RETENTION="1")
    try:
        with Caller(service.start().url).log_in("alice") as alice:
            conversation = alice.open_conversation("bob")
            message_id = alice.send(conversation, "waits").text("message_id")
            alice.send(conversation, "behind it")
        waiting = table(service, conversation, message_id)
        assert "has committed nothing of 2 in messages[" in waiting
        assert "not stored yet: the group is 2 records behind, and nobody owns " in waiting
        service.kill()
        assert "owned by nobody" in table(service, conversation, message_id)
    finally:
        service.close()

    with running(folder, ANGARIUM_RETENTION="1") as drained:
        until(
            lambda: trace(drained, conversation, message_id)["stored"] is not None, "it is stored"
        )
        until(
            lambda: bool(part(trace(drained, conversation, message_id), "log")["expired"]),
            "its record has expired",
        )
    kept = trace(drained, conversation, message_id)
    assert part(kept, "stored")["index"] is True
    assert part(kept, "message")["content"] == "waits"
    assert kept["accepted"] is None
    lines = table(drained, conversation, message_id)
    assert "before the log's beginning (retention, or an import)" in lines
    assert "audit" not in lines
