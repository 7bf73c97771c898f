"""A worker that falls silent and comes back as if nothing had been."""

import pytest

from tests.acceptance.service import until
from tests.integration.faults.chat_load import chat_load
from tests.integration.faults.cluster import Cluster, await_work, logged

ROUND = 60
pytestmark = [pytest.mark.engines, pytest.mark.storm]


def test_a_worker_that_was_frozen_past_its_session_comes_back_as_no_zombie(
    service: Cluster,
) -> None:
    service.api()
    frozen, other = service.worker(), service.worker()
    with chat_load(service) as load:
        load.await_more(ROUND)
        await_work(frozen)
        frozen.freeze()
        before = len(logged(other, "message_stored"))
        try:
            load.await_more(2 * ROUND)
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
        load.await_more(ROUND)
        await_work(frozen)
