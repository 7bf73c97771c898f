"""Kafka goes away and comes back: a quick 503 meanwhile, and nobody has
to do anything afterwards.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.acceptance.caller import Caller, conversation_id
from tests.acceptance.service import until
from tests.engines.kafka_server import KafkaServer
from tests.integration.faults.chat_load import ChatLoad, chat_load
from tests.integration.faults.cluster import Cluster, await_work, logged

ROUND = 60
REFUSED_S = 6.0
"""A 503 comes within 2 s; the rest is for a busy machine."""

RETURN_S = 20.0
"""Sends are taken within 5 s; the rest is for a busy machine."""

pytestmark = [pytest.mark.engines, pytest.mark.storm, pytest.mark.timeout(300)]


def test_while_kafka_is_away_sends_are_refused_quickly_and_go_on_when_it_is_back(
    service: Cluster, kafka_server: KafkaServer
) -> None:
    for _ in range(2):
        service.api()
    worker = service.worker()
    with chat_load(service) as load:
        for take_away in (kafka_server.freeze, kafka_server.kill):
            load.await_more(ROUND)
            await_work(worker)
            retries = load.retries
            take_away()
            for url in service.urls * 3:
                refuse_quickly(load, url)
            await_refusal(load, retries)
            kafka_server.start()
            for url in service.urls:
                await_taken(load, url)
            await_work(worker)
            load.await_more(ROUND)


def test_who_starts_while_kafka_is_away_works_when_it_is_back(
    service: Cluster, kafka_server: KafkaServer
) -> None:
    kafka_server.kill()
    with ThreadPoolExecutor(2) as pool:
        api, worker = (
            start.result() for start in (pool.submit(service.api), pool.submit(service.worker))
        )
    sender, recipient = service.names[:2]
    with Caller(api.url) as caller:
        caller.token = service.token(sender)
        conversation = caller.open_conversation(recipient)
        assert caller.call("GET", "/health/ready").status == 503
        assert caller.send(conversation, "too early").status == 503
        kafka_server.start()
        until(
            lambda: caller.send(conversation, "at last").status == 202,
            "a send is taken",
            RETURN_S,
        )
    until(lambda: bool(logged(worker, "message_stored")), "it is stored")


def refuse_quickly(load: ChatLoad, url: str) -> None:
    began = time.monotonic()
    assert sends(load, url) == 503
    assert time.monotonic() - began < REFUSED_S


def await_refusal(load: ChatLoad, retries: int) -> None:
    until(lambda: load.retries > retries, "a sender of the load is refused too")


def await_taken(load: ChatLoad, url: str) -> None:
    until(lambda: sends(load, url) == 202, f"{url} takes messages", RETURN_S)


def sends(load: ChatLoad, url: str) -> int:
    """Send one message more in somebody's name, as no part of the
    ledger.
    """
    sender = load.senders[0]
    conversation = conversation_id(sender.sender, sender.recipient)
    with Caller(url) as caller:
        caller.token = sender.token
        return caller.send(conversation, "anybody there?").status
