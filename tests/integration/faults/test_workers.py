"""A worker that falls silent and comes back as if nothing had been."""

import pytest

from tests.acceptance.service import until
from tests.integration.faults.cluster import Cluster, await_work, logged
from tests.integration.faults.crowd import talking

ROUND = 60
pytestmark = [pytest.mark.engines, pytest.mark.storm]


def test_a_worker_that_was_frozen_past_its_session_comes_back_as_no_zombie(
    service: Cluster,
) -> None:
    service.api()
    frozen, other = service.worker(), service.worker()
    with talking(service) as crowd:
        crowd.await_more(ROUND)
        await_work(frozen)
        frozen.freeze()
        before = len(logged(other, "message_stored"))
        try:
            crowd.await_more(2 * ROUND)
            taken = {line["partition"] for line in logged(service.apis[0], "message_accepted")}
            until(
                lambda: (
                    taken
                    == {line["partition"] for line in logged(other, "message_stored")[before:]}
                ),
                "the other has taken over all partitions",
            )
        finally:
            frozen.resume()
        crowd.await_more(ROUND)
        await_work(frozen)
