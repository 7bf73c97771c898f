"""Whatever instance is killed under load, no 202 is lost, and no error
is seen that a retry cannot mend.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pytest

from tests.acceptance.caller import Caller, conversation_id
from tests.acceptance.ledger import Sender, discrepancies
from tests.compose.stack import INSTANCES, PATIENCE, Stack, until

pytestmark = [pytest.mark.storm, pytest.mark.timeout(1200)]

PAIRS = (("alice", "bob"), ("bob", "carol"), ("carol", "dave"), ("dave", "alice"))
BETWEEN_KILLS = 25
"""Messages that each sender has accepted before the next kill comes."""


@contextmanager
def load(stack: Stack) -> Iterator[Sequence[Sender]]:
    """Four people write, each to one other, one message after the
    other: through the balancer only.
    """
    senders = []
    for seed, (one, two) in enumerate(PAIRS):
        with Caller(stack.url) as caller:
            senders.append(Sender(stack.url, one, two, caller.log_in(one).token, seed, rest=0.01))
    enough = threading.Event()
    threads = [threading.Thread(target=sender.run, args=(enough.is_set,)) for sender in senders]
    for thread in threads:
        thread.start()
    try:
        yield senders
    finally:
        enough.set()
        for thread in threads:
            thread.join(PATIENCE)
    assert not any(thread.is_alive() for thread in threads)


def await_progress(senders: Sequence[Sender]) -> None:
    goals = [len(sender.accepted) + BETWEEN_KILLS for sender in senders]
    until(
        lambda: all(
            len(sender.accepted) >= goal for sender, goal in zip(senders, goals, strict=True)
        ),
        f"{BETWEEN_KILLS} more messages of each sender are accepted",
    )


def is_readable(reader: Caller, path: str) -> bool:
    return reader.call("GET", path).status == 200


def complaints(stack: Stack, sender: Sender) -> list[str]:
    conversation = conversation_id(sender.sender, sender.recipient)
    with Caller(stack.url) as reader:
        reader.log_in(sender.recipient)
        last_id = sender.accepted[-1][0]
        path = f"/v1/conversations/{conversation}/messages/{last_id}"
        until(partial(is_readable, reader, path), "the last accepted message is stored")
        history = reader.history(conversation)
    # The other one writes there too, and other tests did.
    ids = {message_id for message_id, _ in sender.accepted}
    return discrepancies(sender.accepted, [row for row in history if row["message_id"] in ids])


@pytest.mark.parametrize("service", ["api", "worker"])
def test_any_instance_can_be_killed_under_load(stack: Stack, service: str) -> None:
    with load(stack) as senders:
        await_progress(senders)
        for number in range(1, INSTANCES + 1):
            victim = stack.one(service, number)
            stack.kill(victim)
            await_progress(senders)
            stack.start(victim)
        await_progress(senders)
    for sender in senders:
        assert complaints(stack, sender) == []


def test_a_request_that_finds_a_dead_instance_is_taken_by_another(stack: Stack) -> None:
    """What the retry is for: between a death and the health check that
    finds it no new request fails.
    """
    victim = stack.one("api")
    stack.kill(victim)
    answers = []
    for _ in range(30):
        with Caller(stack.url) as caller:
            answers.append(caller.call("GET", "/openapi.json").status)
    assert answers == [200] * 30
    stack.start(victim)
