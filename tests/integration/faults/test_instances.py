"""Any number of instances of each half behave as one service, whoever
comes, goes and dies.
"""

import time
from collections import deque
from uuid import uuid4

import pytest

from tests.acceptance.auditing import RepeatedAudits, audited
from tests.acceptance.service import Service, until
from tests.integration.faults.chat_load import ChatLoad, chat_load
from tests.integration.faults.cluster import PARTITIONS, Cluster, await_work, logged

ROUND = 60
"""Accepted messages after which the next thing happens."""


@pytest.fixture
def keyspace() -> str:
    """A keyspace of its own: in a shared one, an audit finds what other
    topics explain.
    """
    return f"audited_{uuid4().hex[:8]}"


pytestmark = [pytest.mark.engines, pytest.mark.storm, pytest.mark.timeout(400)]


@pytest.mark.parametrize(
    "storm_seconds",
    [
        pytest.param(5.0, id="a moment", marks=pytest.mark.short),
        pytest.param(60.0, id="a minute", marks=pytest.mark.long),
    ],
)
def test_three_apis_and_three_workers_are_one_service_through_a_storm(
    service: Cluster, storm_seconds: float
) -> None:
    apis = deque(service.api() for _ in range(3))
    workers = deque(service.worker() for _ in range(3))
    with chat_load(service) as load, RepeatedAudits(service.run) as audits:
        for worker in workers:
            await_work(worker)
        over = time.monotonic() + storm_seconds
        while time.monotonic() < over:
            let_one_join_and_one_leave(service, workers)
            kill_an_api(load, apis)
            kill_a_worker(workers)
            load.await_more(ROUND)
        for worker in workers:
            worker.kill()
        load.await_more(ROUND)
        for worker in workers:
            worker.start()
        for worker in workers:
            await_work(worker)
    assert audits.reports, "no audit came to its end"
    assert audited(service.run)["messages"] >= load.verify.report["accepted"]
    assert load.verify.report["urls"] == service.urls
    assert load.verify.report["retries"], "the kills were not felt, so nothing was tested"
    for api in apis:
        assert logged(api, "message_accepted"), "an instance got no requests"
    stored = [line for worker in service.workers for line in logged(worker, "message_stored")]
    assert {line["partition"] for line in stored} == set(range(PARTITIONS))


def let_one_join_and_one_leave(service: Cluster, workers: "deque[Service]") -> None:
    workers.append(service.worker())
    assert workers.popleft().terminate() == 0


def kill_an_api(load: ChatLoad, apis: "deque[Service]") -> None:
    """Kill the next one; whoever it cuts off sends again through
    another one.
    """
    apis.rotate()
    retries = load.retries
    apis[0].kill()
    until(lambda: load.retries > retries, "the kill of an API is felt")
    load.await_more(ROUND)
    apis[0].start()


def kill_a_worker(workers: "deque[Service]") -> None:
    """Kill one in whatever it is doing, and start it again with its
    partitions still its own.
    """
    workers[0].kill()
    workers[0].start()
