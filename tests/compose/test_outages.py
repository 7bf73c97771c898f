"""The balancer adds no outage of its own: what an instance can still do
is done; refusals are the API's.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest

from tests.acceptance.caller import Answer, Caller
from tests.compose.stack import INSTANCES, Stack, until

pytestmark = pytest.mark.timeout(1200)

HANGS_S = 10.0


@contextmanager
def away(stack: Stack, service: str) -> Iterator[None]:
    container = stack.one(service)
    stack.kill(container)
    try:
        yield
    finally:
        stack.start(container)


def who_am_i(stack: Stack, token: str, trace: str) -> Answer:
    with Caller(stack.url) as caller:
        caller.token = token
        return caller.call("GET", "/v1/users/me", headers={"X-Trace-Id": trace})


def readiness(stack: Stack) -> int:
    with Caller(stack.url) as caller:
        return caller.call("GET", "/health/ready").status


def instances_found_down(stack: Stack) -> int:
    told = stack.compose.run("logs", "--no-color", "haproxy")
    return len(re.findall(r"^\S+ +\| Server ready/\w+ is DOWN", told, re.MULTILINE))


def await_unreadiness(stack: Stack, found_before: int) -> None:
    until(
        lambda: instances_found_down(stack) >= found_before + INSTANCES,
        "the balancer finds none ready",
    )
    assert readiness(stack) == 503


def greet_through_every_instance(stack: Stack, alice: Caller, conversation: str) -> None:
    """A send in a conversation that an instance knows does not need the
    store.
    """
    for _ in range(10 * INSTANCES):
        with Caller(stack.url) as caller:
            caller.token = alice.token
            assert caller.send(conversation, "Hello").status == 202


def assert_is_a_refusal_that_can_be_tried_again(answer: Answer) -> None:
    assert answer.status == answer.body["status"] == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.headers["x-trace-id"] == answer.body["trace_id"]
    assert set(answer.body) >= {"type", "title", "status", "detail", "code", "trace_id"}


def test_sends_go_on_while_cassandra_has_no_quorum(stack: Stack, alice: Caller) -> None:
    conversation = alice.open_conversation("bob")
    greet_through_every_instance(stack, alice, conversation)
    before = instances_found_down(stack)
    with away(stack, "cassandra-2"):
        await_unreadiness(stack, before)
        sent = alice.send(conversation, "Into the log")
        assert sent.status == 202, sent
        read = alice.call("GET", f"/v1/conversations/{conversation}/messages")
        assert_is_a_refusal_that_can_be_tried_again(read)
        assert read.body["code"] == "store_unavailable"
    path = f"/v1/conversations/{conversation}/messages/{sent.text('message_id')}"
    until(
        lambda: alice.call("GET", path).status == 200,
        "the message is stored when the node is back",
    )


def test_reads_go_on_while_kafka_is_away(stack: Stack, alice: Caller) -> None:
    conversation = alice.open_conversation("bob")
    before = instances_found_down(stack)
    with away(stack, "kafka"):
        await_unreadiness(stack, before)
        assert alice.call("GET", f"/v1/conversations/{conversation}/messages").status == 200
        refused = alice.send(conversation, "Not now")
        assert_is_a_refusal_that_can_be_tried_again(refused)
        assert refused.body["code"] == "log_unavailable"
        assert UUID(refused.text("message_id")).version == 7


def test_an_instance_that_hangs_is_left(stack: Stack) -> None:
    """It takes connections and never answers: only the health check can
    tell.
    """
    before = instances_found_down(stack)
    frozen = stack.one("api")
    stack.compose.docker("pause", frozen.id)
    try:
        until(lambda: instances_found_down(stack) > before, "the balancer finds it", patience=60)
        for _ in range(10 * INSTANCES):
            with Caller(stack.url, timeout=HANGS_S) as caller:
                assert caller.call("GET", "/openapi.json").status == 200
    finally:
        stack.compose.docker("unpause", frozen.id)


def test_without_any_instance_the_balancer_refuses_in_the_apis_words_until_there_is_one(
    stack: Stack, alice: Caller
) -> None:
    instances = stack.compose.containers("api")
    stack.compose.docker("kill", *(each.id for each in instances))
    trace = uuid4().hex
    # On new connections: one that has served before is closed when its
    # instance dies, as any lost connection.
    refused = who_am_i(stack, alice.token, trace.upper())
    assert_is_a_refusal_that_can_be_tried_again(refused)
    assert refused.body["code"] == "overloaded"
    assert refused.body["trace_id"] == trace
    assert_is_a_refusal_that_can_be_tried_again(who_am_i(stack, alice.token, "none of its own"))
    stack.start(*instances)
    until(
        lambda: who_am_i(stack, alice.token, trace).status == 200,
        "the balancer finds the instances again",
    )


def test_instances_that_come_later_are_found_and_those_that_go_are_left(
    stack: Stack, alice: Caller
) -> None:
    for count in (1, INSTANCES):
        stack.scale(count)

        def who_serves() -> set[str]:
            traces = {uuid4().hex for _ in range(20)}
            for trace in traces:
                with Caller(stack.url) as caller:
                    assert (
                        caller.call("GET", "/openapi.json", headers={"X-Trace-Id": trace}).status
                        == 200
                    )
            lines = stack.compose.logged("api")
            return {line.container for line in lines if line.text("trace_id") in traces}

        until(lambda: len(who_serves()) == count, f"{count} instances serve")  # noqa: B023
