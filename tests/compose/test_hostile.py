"""What strangers may do to the balancer, and what a deployment must
never start with.
"""

import contextlib
import json
import resource
import socket
from contextlib import ExitStack

import pytest

from deploy.compose import Compose, ComposeError
from tests.acceptance.caller import Caller
from tests.acceptance.service import environment
from tests.compose.stack import Stack
from tests.fakes.raw_client import RawClient

pytestmark = pytest.mark.timeout(600)

HEADS = 5_000
HALF_A_HEAD = (
    b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + b"X: %s\r\n" % (b"y" * 600) * 87
)

# One request from inside the balancer's network, so from another
# address than the tests'.
ELSEWHERE = """
import http.client
door = http.client.HTTPConnection("haproxy", 8080, timeout=10)
door.request("GET", "/health/live", headers={"Host": "localhost"})
print(door.getresponse().status)
"""


def restarts(stack: Stack) -> int:
    document = json.loads(stack.compose.docker("inspect", stack.one("haproxy").id))[0]
    assert document["State"]["Running"]
    return int(document["RestartCount"])


def test_unfinished_heads_of_one_stranger_harm_nobody(stack: Stack) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, HEADS + 1_000), hard))
    before = restarts(stack)
    try:
        with ExitStack() as held:
            for _ in range(HEADS):
                with contextlib.suppress(OSError):
                    peer = held.enter_context(
                        socket.create_connection(("127.0.0.1", stack.port), 5)
                    )
                    peer.setblocking(False)
                    peer.send(HALF_A_HEAD)
            elsewhere = stack.compose.docker(
                "exec", stack.one("api").id, "python", "-c", ELSEWHERE
            )
            assert elsewhere.strip() == "200"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert restarts(stack) == before


def test_the_balancers_own_refusal_is_a_problem_with_a_trace_id(stack: Stack) -> None:
    twice = b"Content-Length: 2\r\nContent-Length: 2\r\n"
    with RawClient(stack.url) as client:
        answer = client.ask(
            b"POST /auth/token HTTP/1.1\r\nHost: localhost\r\n" + twice + b"\r\n{}"
        )
        assert client.closed()
    assert (answer.status, answer.code) == (400, "malformed_request")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-trace-id"] == json.loads(answer.body)["trace_id"]


def test_an_instance_believes_nobody_but_the_balancer(stack: Stack) -> None:
    """Whoever reaches an instance directly is counted by their own
    address.
    """
    api = stack.one("api")
    networks = json.loads(stack.compose.docker("inspect", api.id))[0]["NetworkSettings"][
        "Networks"
    ]
    address = networks[f"{stack.project}_default"]["IPAddress"]
    with Caller(f"http://{address}:8080") as caller:
        body = {"username": "nobody-at-all", "password": "wrong"}
        answers = [
            caller.call(
                "POST",
                "/auth/token",
                body,
                {"X-Forwarded-For": f"203.0.113.{number}", "Host": "localhost"},
            ).status
            for number in range(16)
        ]
    assert 429 in answers


@pytest.mark.parametrize("command", ["init", "api"])
def test_what_everybody_knows_is_not_published(stack: Stack, command: str) -> None:
    published = Compose(
        *("--env-file", ".env.example", "--project-name", stack.project),
        environment=environment(ANGARIUM_HOST="0.0.0.0", FRONT_NETWORK=stack.front_network),
    )
    with pytest.raises(ComposeError, match=r"ended with 2:[^$]*ANGARIUM_PUBLISHED_HOST"):
        published.run("run", "--rm", "--no-deps", command, command)
