"""What an instance writes while a server is away: a few lines that say
what is wrong, however many ask.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import cycle

import pytest

from tests.acceptance.caller import Caller
from tests.acceptance.service import PATIENCE, Service, run_cli, until
from tests.engines.cassandra_server import CassandraCluster
from tests.engines.kafka_server import KafkaServer
from tests.engines.ports import free_port
from tests.integration.faults.cluster import Cluster, await_work

LINES_A_MINUTE = 50
"""Of an instance, beside those of single requests; a busy machine makes
more than a minute of the outage.
"""

REFUSED = 80
"""So many requests are refused in each half of an outage: a line for
each would be far too many.
"""

HALF_S = 11.0
"""Each half lasts at least so long: what repeats is summed once."""

ASKERS = 8
PAUSE_S = 0.2
PATIENCE_S = 150.0

OF_SINGLE_REQUESTS = {"request", "message_accepted", "message_stored"}

Line = Mapping[str, object]

pytestmark = [pytest.mark.engines, pytest.mark.storm, pytest.mark.timeout(600)]


halves = pytest.mark.parametrize(
    "dies",
    [
        pytest.param(False, id="silent", marks=pytest.mark.short),
        pytest.param(True, id="silent, then dead", marks=pytest.mark.long),
    ],
)


@halves
def test_an_outage_of_kafka_is_few_lines_however_many_are_refused(
    service: Cluster, kafka_server: KafkaServer, dies: bool
) -> None:
    with told_briefly(service, "log", kafka_server.start) as refuse_many:
        kafka_server.freeze()
        refuse_many()
        if dies:
            kafka_server.kill()
            refuse_many()


@halves
def test_an_outage_of_cassandra_is_few_lines_however_many_are_refused(
    service: Cluster, cassandra_cluster: CassandraCluster, dies: bool
) -> None:
    with told_briefly(service, "store", cassandra_cluster.start) as refuse_many:
        for node in cassandra_cluster.nodes:
            node.freeze()
        refuse_many()
        if dies:
            cassandra_cluster.kill()
            refuse_many()


def test_init_says_in_one_line_that_no_node_answers(service: Cluster) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    settings = {**service.settings, "ANGARIUM_CASSANDRA": nowhere}
    done = run_cli("init", "--timeout", "3", patience=PATIENCE, **settings)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"angarium: Cassandra at {nowhere} could not be prepared within ")
    assert "check ANGARIUM_CASSANDRA" in line


@contextmanager
def told_briefly(
    service: Cluster, part: str, end: Callable[[], None]
) -> Iterator[Callable[[], None]]:
    """Judge the lines of both halves that are written within the block,
    after which the outage is ended.
    """
    api, worker = service.api(), service.worker()
    with Caller(api.url) as caller:
        caller.token = service.token(service.names[0])
        conversation = caller.open_conversation(service.names[1])
        assert caller.send(conversation, "before").status == 202
        await_work(worker)
        until(lambda: caller.call("GET", "/health/ready").status == 200, "all is well")
    instances = (api, worker)
    before = [len(instance.log_lines()) for instance in instances]
    began = time.monotonic()
    try:
        yield lambda: refuse_many(api, caller.token, conversation)
        lasted = time.monotonic() - began
        during = [
            instance.log_lines()[seen:] for instance, seen in zip(instances, before, strict=True)
        ]
    finally:
        end()
    for lines in during:
        judge(lines, part, most=LINES_A_MINUTE * max(1.0, lasted / 60))
    summed = [
        line for line in during[0] if line["action"] == f"{part}_unavailable" and "repeats" in line
    ]
    assert summed, "what repeats is not summed"


def judge(lines: list[Line], part: str, most: float) -> None:
    """See that an instance says what is out, and little more."""
    own = [line for line in lines if line["action"] not in OF_SINGLE_REQUESTS]
    assert any(line["action"] == f"{part}_unavailable" for line in own)
    assert len(own) < most, Counter(
        f"{line['level']} {line['action']}: {line['message']}" for line in own
    )
    assert not [line for line in own if "traceback" in line]
    assert not [line for line in own if line["action"] == "library" and line["level"] != "WARNING"]
    assert not [line["said"] for line in own if "said" in line], (
        "a library says what is not known here"
    )


def refuse_many(api: Service, token: str, conversation: str) -> None:
    """Send, read and check some times a second, until many requests
    were refused.
    """
    refused: list[int] = []
    enough = threading.Event()

    def ask() -> None:
        with Caller(api.url) as caller:
            caller.token = token
            for path in cycle(("", "/v1/conversations", "", "/v1/inbox", "/health/ready")):
                answer = (
                    caller.call("GET", path)
                    if path
                    else caller.send(conversation, "anybody there?")
                )
                if answer.status == 503:
                    refused.append(1)
                if enough.wait(PAUSE_S):
                    return

    began = time.monotonic()
    askers = [threading.Thread(target=ask) for _ in range(ASKERS)]
    for asker in askers:
        asker.start()
    try:
        until(
            lambda: len(refused) >= REFUSED and time.monotonic() - began > HALF_S,
            "many are refused",
            PATIENCE_S,
        )
    finally:
        enough.set()
        for asker in askers:
            asker.join()
