import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.engines.kafka.log import KafkaLog
from angarium.engines.kafka.topics import KafkaTopics
from tests.contract.ports.reading import Reading
from tests.contract.ports.records import append, new_key
from tests.engines.certificates import Certificates
from tests.engines.kafka_server import SASL_PASSWORD, SASL_USERNAME, KafkaServer
from tests.integration.kafka.appends import cpu_seconds, keep_trying, try_to_append, until_taken

pytestmark = pytest.mark.engines


@pytest.fixture
def guarded(kafka_server: KafkaServer) -> KafkaConnectionSettings:
    return KafkaConnectionSettings(
        (kafka_server.sasl_address,),
        protocol="SASL_PLAINTEXT",
        sasl_mechanism="PLAIN",
        sasl_username=SASL_USERNAME,
        sasl_password=SASL_PASSWORD,
    )


@pytest.fixture
def encrypted(kafka_server: KafkaServer) -> KafkaConnectionSettings:
    certificates = kafka_server.certificates
    assert certificates is not None
    return KafkaConnectionSettings(
        (kafka_server.ssl_address,),
        protocol="SSL",
        cafile=certificates.authority,
        certfile=certificates.client,
        keyfile=certificates.client_key,
    )


@pytest.mark.parametrize("security", ["guarded", "encrypted"])
def test_every_part_gets_in_with_a_password_or_a_certificate(
    request: pytest.FixtureRequest, name: str, security: str
) -> None:
    connection: KafkaConnectionSettings = request.getfixturevalue(security)
    assert KafkaTopics(connection, name, 4, 1).create()
    with (
        closing(KafkaLog(connection, name, 4)) as log,
        closing(KafkaLogConsumer(connection, name, "router-" + name)) as consumer,
        closing(KafkaDeadLetters(connection, name)) as dead_letters,
    ):
        log.wait_until_connected(30.0)
        append(log, "v", new_key())
        assert Reading(consumer).until_all(1)[0].value == b"v"
        assert dead_letters.read(1) == []


def test_a_wrong_password_is_an_outage_that_says_so(
    guarded: KafkaConnectionSettings, name: str
) -> None:
    wrong = replace(guarded, sasl_password="another")
    with pytest.raises(LogUnavailable):
        KafkaTopics(wrong, name, 4, 1).verify()
    with closing(KafkaLog(wrong, name, 4)) as log:
        answers = keep_trying(log, 2.0)
        assert all(isinstance(answer, LogUnavailable) for answer in answers)
    with (
        closing(KafkaLogConsumer(wrong, name, "router-" + name)) as consumer,
        pytest.raises(LogUnavailable),
    ):
        consumer.poll(0.1)


def test_a_broker_of_another_authority_is_not_trusted(
    encrypted: KafkaConnectionSettings, name: str, tmp_path: Path
) -> None:
    another = replace(encrypted, cafile=Certificates(tmp_path, "127.0.0.1").authority)
    with pytest.raises(LogUnavailable):
        KafkaTopics(another, name, 4, 1).verify()


def test_a_broker_that_asks_for_a_certificate_takes_nobody_without(
    encrypted: KafkaConnectionSettings, name: str
) -> None:
    with pytest.raises(LogUnavailable):
        KafkaTopics(replace(encrypted, certfile=None, keyfile=None), name, 4, 1).verify()


def test_a_password_that_stops_being_good_costs_no_cpu_and_being_good_again_is_enough(
    kafka_server: KafkaServer, guarded: KafkaConnectionSettings, name: str
) -> None:
    KafkaTopics(guarded, name, 4, 1).create()
    with closing(KafkaLog(guarded, name, 4)) as log:
        log.wait_until_connected(30.0)
        append(log, "v", new_key())
        kafka_server.kill()
        kafka_server.sasl_password = "another"
        try:
            kafka_server.start()
            seconds = 4.0
            assert cpu_seconds(lambda: idle_but_for_one(log, seconds)) < 0.5 * seconds
        finally:
            kafka_server.kill()
            kafka_server.sasl_password = SASL_PASSWORD
            kafka_server.start()
        until_taken(log)


def idle_but_for_one(log: KafkaLog, seconds: float) -> None:
    assert isinstance(try_to_append(log, "v"), LogUnavailable)
    threading.Event().wait(seconds)


def test_the_password_is_in_no_text_about_the_connection(guarded: KafkaConnectionSettings) -> None:
    assert SASL_PASSWORD not in repr(guarded)
    assert SASL_PASSWORD not in str(guarded)
