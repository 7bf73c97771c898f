"""Any number of instances of each half behave as one service."""

import pytest

from tests.acceptance.service import until
from tests.integration.faults.cluster import PARTITIONS, Cluster, await_work, logged
from tests.integration.faults.crowd import talking

ROUND = 60
"""Accepted messages after which the next thing happens."""


def test_three_apis_and_three_workers_are_one_service(service: Cluster) -> None:
    for _ in range(3):
        service.api()
        service.worker()
    with talking(service) as crowd:
        crowd.await_more(3 * ROUND)
        for worker in service.workers:
            await_work(worker)
    for api in service.apis:
        assert logged(api, "message_accepted"), "an instance got no requests"
    stored = [line for worker in service.workers for line in logged(worker, "message_stored")]
    accepted = [line for api in service.apis for line in logged(api, "message_accepted")]
    assert {line["partition"] for line in stored} == set(range(PARTITIONS))
    assert {line["message_id"] for line in stored} == {line["message_id"] for line in accepted}


@pytest.mark.storm
def test_whoever_was_cut_off_sends_again_through_another_instance(service: Cluster) -> None:
    for _ in range(2):
        service.api()
    service.worker()
    with talking(service) as crowd:
        for victim in service.apis * 2:
            crowd.await_more(ROUND)
            retries = crowd.retries
            victim.kill()
            crowd.await_more(ROUND)
            assert crowd.retries > retries, "the kill was not felt, so nothing was tested"
            victim.start()
        crowd.await_more(ROUND)


@pytest.mark.storm
def test_workers_come_and_go_while_people_talk(service: Cluster) -> None:
    service.api()
    service.worker()
    with talking(service) as crowd:
        for _ in range(4):
            joined = service.worker()
            crowd.await_more(ROUND)
            await_work(joined)
            leaving = service.workers[-2]
            assert leaving.terminate() == 0
            crowd.await_more(ROUND)
        until(lambda: len(logged(service.workers[-1], "message_stored")) > 0, "the last one works alone")
