import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import kafka
import pytest
from kafka.admin import ConfigResource, ConfigResourceType

from angarium.domain.errors import LogUnavailable, SetupError
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer
from angarium.engines.kafka.log import KafkaLog
from angarium.engines.kafka.record_sizes import MAX_BATCH_BYTES
from angarium.engines.kafka.topics import KafkaTopics, TopicVerification
from tests.engines.kafka_server import KafkaServer
from tests.engines.kafka_topics import make_topics, set_config
from tests.engines.ports import free_port

pytestmark = pytest.mark.engines


def make(
    connection: KafkaConnectionSettings, name: str, partitions: int, configs: dict[str, str]
) -> None:
    with closing(kafka.KafkaAdminClient(**connection.options())) as administrator:
        administrator.create_topics(
            {name: {"num_partitions": partitions, "replication_factor": 1, "configs": configs}}
        )


def test_init_makes_both_topics_once(connection: KafkaConnectionSettings, name: str) -> None:
    topics = KafkaTopics(connection, name, 6, 1)
    assert topics.create() == (name, f"{name}.dead")
    assert topics.create() == ()
    topics.verify()


def test_racing_inits_make_each_topic_once(connection: KafkaConnectionSettings, name: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: make_topics(connection, name, 6), range(4)))
    # A busy broker may have made a topic for somebody who was told of a
    # failure: nobody counts that one.
    names = [topic for each in made for topic in each]
    assert len(names) == len(set(names))
    KafkaTopics(connection, name, 6, 1).verify()


def test_topics_that_are_not_there_are_named(
    connection: KafkaConnectionSettings, name: str
) -> None:
    with pytest.raises(SetupError) as refusal:
        KafkaTopics(connection, name, 6, 1).verify()
    assert f"{name!r} does not exist" in str(refusal.value)
    assert f"{name + '.dead'!r} does not exist" in str(refusal.value)


def test_every_difference_is_named(connection: KafkaConnectionSettings, name: str) -> None:
    make(connection, name, 3, {"cleanup.policy": "compact"})
    with pytest.raises(SetupError) as refusal:
        KafkaTopics(connection, name, 6, 2).verify()
    said = str(refusal.value)
    everyday, dangerous = (
        said.index(text)
        for text in ("set ANGARIUM_PARTITIONS=3", "if partitions were added later")
    )
    assert "has 3 partitions, not 6: ANGARIUM_PARTITIONS is not set in this terminal" in said
    assert everyday < dangerous
    assert "1 replicas, not 2" in said
    assert "message.timestamp.type=CreateTime, not LogAppendTime" in said
    assert "cleanup.policy=compact, not delete" in said


def test_a_topic_of_dead_letters_that_takes_too_little_is_named(
    connection: KafkaConnectionSettings, name: str
) -> None:
    topics = KafkaTopics(connection, name, 6, 1)
    topics.create()
    set_config(connection, f"{name}.dead", "max.message.bytes", 1_048_588)
    with pytest.raises(SetupError, match=r"\.dead' has max.message.bytes=1048588, not 8388608"):
        until_refused(topics.verify)


def test_a_topic_that_takes_less_than_the_largest_message_is_named(
    connection: KafkaConnectionSettings, name: str
) -> None:
    topics = KafkaTopics(connection, name, 6, 1)
    topics.create()
    set_config(connection, name, "max.message.bytes", MAX_BATCH_BYTES - 1)
    said = f"{name}' has max.message.bytes={MAX_BATCH_BYTES - 1}, not {MAX_BATCH_BYTES}"
    with pytest.raises(SetupError, match=said) as refusal:
        until_refused(topics.verify)
    server = f"--bootstrap-server {connection}"
    assert (
        f"{server} --alter --topic {name} --add-config max.message.bytes={MAX_BATCH_BYTES}"
        in str(refusal.value)
    )
    with pytest.raises(SetupError, match=said):
        topics.create()


def test_a_topic_whose_segments_are_smaller_than_a_dead_letter_is_named(
    connection: KafkaConnectionSettings, name: str
) -> None:
    topics = KafkaTopics(connection, name, 6, 1)
    topics.create()
    set_config(connection, f"{name}.dead", "segment.bytes", 1_048_576)
    with pytest.raises(SetupError, match=r"\.dead' has segment.bytes=1048576, not 8388608"):
        until_refused(topics.verify)


def test_topics_that_init_makes_take_what_brokers_usually_take(
    connection: KafkaConnectionSettings, name: str
) -> None:
    KafkaTopics(connection, name, 6, 1).create()
    resource = ConfigResource(ConfigResourceType.TOPIC, name)
    with closing(kafka.KafkaAdminClient(**connection.options())) as administrator:
        configs = administrator.describe_configs([resource], config_filter="all")["topic"][name]
    assert int(configs["max.message.bytes"]["value"]) == 1_048_588
    assert int(configs["segment.bytes"]["value"]) == 1024**3


def until_refused(verify: Callable[[], None]) -> None:
    """Verify until the broker heeds what was changed."""
    give_up_at = time.monotonic() + 30.0
    while time.monotonic() < give_up_at:
        verify()


def test_a_topic_that_differs_is_not_used_by_who_could_not_compare_it_at_the_start(
    connection: KafkaConnectionSettings, name: str
) -> None:
    make(connection, name, 6, {})
    check = TopicVerification(KafkaTopics(connection, name, 6, 1).verify)
    with (
        closing(KafkaLog(connection, name, 6, verify=check.verify)) as log,
        closing(KafkaLogConsumer(connection, name, "router", verify=check.ensure)) as consumer,
    ):
        with pytest.raises(LogUnavailable, match="CreateTime, not LogAppendTime"):
            log.wait_until_connected(3.0)
        with pytest.raises(LogUnavailable, match="CreateTime, not LogAppendTime"):
            consumer.poll(0)


def test_init_refuses_a_topic_that_differs(connection: KafkaConnectionSettings, name: str) -> None:
    make(connection, name, 3, {"message.timestamp.type": "LogAppendTime"})
    with pytest.raises(SetupError, match="has 3 partitions, not 6"):
        KafkaTopics(connection, name, 6, 1).create()


def test_more_replicas_than_brokers_are_waited_for(
    connection: KafkaConnectionSettings, name: str
) -> None:
    with pytest.raises(LogUnavailable, match="ANGARIUM_TOPIC_REPLICATION is 3"):
        KafkaTopics(connection, name, 6, 3).create()


def test_a_stricter_topic_is_good_enough(connection: KafkaConnectionSettings, name: str) -> None:
    KafkaTopics(connection, name, 6, 1).create()
    KafkaTopics(connection, name, 6, 0).verify()


def test_brokers_that_are_away_are_an_outage(name: str) -> None:
    nobody = KafkaConnectionSettings((f"127.0.0.1:{free_port()}",))
    with pytest.raises(LogUnavailable, match="answers"):
        KafkaTopics(nobody, name, 6, 1).create()


def test_a_silent_broker_is_an_outage(kafka_server: KafkaServer, name: str) -> None:
    kafka_server.freeze()
    with pytest.raises(LogUnavailable):
        KafkaTopics(KafkaConnectionSettings((kafka_server.address,)), name, 6, 1).verify()
