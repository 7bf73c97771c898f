"""The page through the load balancer, on three instances of the API
with Kafka and Cassandra behind them.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from selenium import webdriver

from angarium.engines.kafka.connection import KafkaConnectionSettings
from tests.acceptance.service import until
from tests.balancer import balancer
from tests.browser.chromium import Page
from tests.browser.test_logins import log_in
from tests.engines.kafka_topics import delete_topics
from tests.integration.faults.cluster import Cluster, cluster, logged

pytestmark = [pytest.mark.engines, pytest.mark.timeout(300)]

INSTANCES = 3


@pytest.fixture
def service(tmp_path: Path, kafka: str, cassandra: str) -> Iterator[Cluster]:
    with cluster(tmp_path, kafka, cassandra, f"page_{uuid4().hex[:8]}") as made:
        made.settings["ANGARIUM_PAGE"] = "1"
        yield made
    delete_topics(KafkaConnectionSettings((kafka,)), made.topic)


def test_two_people_talk_whichever_instance_answers(
    browser: webdriver.Chrome, service: Cluster, tmp_path: Path
) -> None:
    apis = [service.api() for _ in range(INSTANCES)]
    service.worker()
    first, *others = (api.port for api in apis)
    with balancer(tmp_path, first, more_ports=others) as url:
        page = Page(browser)
        page.open(f"{url}/")
        for letter, name in zip("ab", service.names, strict=False):
            log_in(page, letter, name, service.password)
        page.await_conversation()
        sent = [page.write("a", f"number {number}") for number in range(5)]
        for message_id in sent:
            page.await_status("a", message_id, "DELIVERED")
        assert [each.id for each in page.messages("b")] == sent
        page.hook("resend-a").click()
        until(lambda: "one message" in page.messages("a")[-1].note, "the second send")
        apis[0].kill()
        later = page.write("b", "One of three is gone")
        page.await_status("a", later, "DELIVERED")
        page.await_status("b", later, "DELIVERED")
        assert [each.id for each in page.messages("a")] == [*sent, later]
    served = [{line["path"] for line in logged(api, "request")} for api in apis]
    assert all("/v1/conversations/{conversation_id}/messages" in paths for paths in served)
