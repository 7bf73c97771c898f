"""The work is spread over all instances, and who asked and for what
stays known behind the balancer.
"""

from collections import Counter
from uuid import uuid4

import pytest

from tests.acceptance.caller import Answer, Caller
from tests.compose.stack import INSTANCES, Stack, until

pytestmark = pytest.mark.timeout(600)

REQUESTS = 60
PARTITIONS = 12

# One failed login from inside the composed network, so from another
# address than the tests'. While there are demo users, the service
# answers only to the host names that it was given, so not to "haproxy".
FAILED_LOGIN = """
import http.client, sys
door = http.client.HTTPConnection("haproxy", 8080, timeout=30)
door.request("POST", "/auth/token", "username=" + sys.argv[1] + "&password=wrong",
             {"Content-Type": "application/x-www-form-urlencoded", "Host": "127.0.0.1:8080"})
print(door.getresponse().status)
"""


def call_once(stack: Stack, method: str, path: str, **headers: str) -> Answer:
    with Caller(stack.url) as caller:
        return caller.call(
            method, path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )


def failed_login(stack: Stack, username: str, claimed_address: str) -> int:
    with Caller(stack.url) as caller:
        body = {"username": username, "password": "wrong"}
        return caller.call(
            "POST", "/auth/token", body, {"X-Forwarded-For": claimed_address}
        ).status


def test_requests_are_spread_over_all_instances(stack: Stack) -> None:
    traces = {uuid4().hex for _ in range(REQUESTS)}
    for trace in traces:
        assert (
            call_once(stack, "GET", "/openapi.json", X_Trace_Id=trace).headers["x-trace-id"]
            == trace
        )
    served: dict[str, str] = {}

    def all_are_logged() -> bool:
        lines = stack.compose.logged("api")
        served.update(
            (line.text("trace_id"), line.container)
            for line in lines
            if line.text("action") == "request"
        )
        return traces <= served.keys()

    until(all_are_logged, "each request has its access line")
    shares = Counter(served[trace] for trace in traces)
    assert len(shares) == INSTANCES
    assert min(shares.values()) >= REQUESTS / INSTANCES / 3, shares


def test_the_workers_share_the_partitions(stack: Stack) -> None:
    def partitions_by_member() -> Counter[str]:
        listed = stack.compose.run(
            *("exec", "-T", "kafka", "/opt/kafka/bin/kafka-consumer-groups.sh"),
            *("--bootstrap-server", "localhost:9092", "--group", "router", "--describe"),
        )
        rows = [line.split() for line in listed.splitlines() if line.startswith("router ")]
        return Counter(row[-2] for row in rows if row[1] == "messages" and row[-2] != "-")

    until(
        lambda: sorted(partitions_by_member().values()) == [PARTITIONS // INSTANCES] * INSTANCES,
        "each worker has a third of the partitions",
    )


def test_one_trace_leads_from_the_balancer_to_the_worker(stack: Stack, alice: Caller) -> None:
    conversation = alice.open_conversation("bob")
    trace = uuid4().hex
    body = {"conversation_id": conversation, "content": "Follow me"}
    parent = {"traceparent": f"00-{trace}-{uuid4().hex[:16]}-01"}
    assert alice.call("POST", "/v1/messages", body, parent).text("trace_id") == trace

    def actions() -> set[str]:
        lines = stack.compose.logged("haproxy", "api", "worker")
        return {line.text("action") for line in lines if line.text("trace_id") == trace}

    wanted = {"balanced", "request", "message_accepted", "message_stored"}
    until(lambda: wanted <= actions(), f"{wanted} have the trace id")


def test_who_guesses_is_known_by_the_address_that_the_balancer_saw(stack: Stack) -> None:
    name = f"nobody-{uuid4().hex[:8]}"
    refused = 0
    # Each instance counts for itself; a guesser who claims to be
    # somebody else each time gains nothing.
    for number in range(16 * INSTANCES):
        refused += failed_login(stack, name, f"203.0.113.{number}") == 429
    assert refused >= 2 * INSTANCES, "a client that names other addresses is never slowed down"

    api = stack.one("api")
    elsewhere = [
        stack.compose.docker("exec", api.id, "python", "-c", FAILED_LOGIN, name).strip()
        for _ in "123"
    ]
    assert elsewhere == ["401"] * 3, (
        "a client at another address is slowed down for the first one's guesses"
    )
