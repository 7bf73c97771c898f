"""Promises 1 and 2: a 202 is never lost, never doubled, never out of
order, whenever the process dies.
"""

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.acceptance.auditing import RepeatedAudits, audited
from tests.acceptance.caller import Caller, conversation_id
from tests.acceptance.ledger import Sender, discrepancies
from tests.acceptance.service import PATIENCE, Service, run_cli, until

BETWEEN_KILLS = 25
"""Accepted messages after which the next kill comes."""


def accepted(senders: Sequence[Sender]) -> int:
    return sum(len(sender.accepted) for sender in senders)


def await_progress(senders: Sequence[Sender]) -> None:
    goal = accepted(senders) + BETWEEN_KILLS
    until(lambda: accepted(senders) >= goal, f"{BETWEEN_KILLS} more messages are accepted")


def token_of(service: Service, name: str) -> str:
    with Caller(service.url) as caller:
        return caller.log_in(name).token


def is_readable(reader: Caller, path: str) -> bool:
    return reader.call("GET", path).status == 200


def complaints_about(service: Service, sender: Sender, token: str) -> list[str]:
    conversation = conversation_id(sender.sender, sender.recipient)
    reader = Caller(service.url)
    reader.token = token
    last_id = sender.accepted[-1][0]
    path = f"/v1/conversations/{conversation}/messages/{last_id}"
    until(partial(is_readable, reader, path), "the last accepted message is stored")
    found = discrepancies(sender.accepted, reader.history(conversation))
    reader.close()
    return found


@pytest.mark.storm
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "kills",
    [pytest.param(3, marks=pytest.mark.short), pytest.param(12, marks=pytest.mark.long)],
)
def test_every_202_is_there_once_and_in_order_after_many_kills(folder: Path, kills: int) -> None:
    service = Service(folder).start()

    def audit(*arguments: str) -> "CompletedProcess[str]":
        return run_cli(*arguments, stdin="", patience=PATIENCE, **service.settings)

    try:
        tokens = {name: token_of(service, name) for name in ("alice", "bob", "carol", "dave")}
        pairs = [("alice", "bob"), ("bob", "carol"), ("carol", "dave"), ("dave", "alice")]
        senders = [
            Sender(service.url, one, two, tokens[one], seed)
            for seed, (one, two) in enumerate(pairs)
        ]
        enough = threading.Event()
        threads = [
            threading.Thread(target=sender.run, args=(enough.is_set,)) for sender in senders
        ]
        for thread in threads:
            thread.start()
        with RepeatedAudits(audit) as audits:
            for _ in range(kills):
                await_progress(senders)
                service.kill()
                service.start()
            await_progress(senders)
            enough.set()
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

        for sender in senders:
            assert complaints_about(service, sender, tokens[sender.recipient]) == []
        assert sum(sender.retries for sender in senders) > 0, (
            "the kills were not felt, so nothing was tested"
        )
        assert audits.reports, "no audit came to its end"
        assert audited(audit)["messages"] >= accepted(senders)
        assert service.terminate() == 0
    finally:
        service.close()
