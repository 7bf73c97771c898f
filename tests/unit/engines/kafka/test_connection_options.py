"""What kafka-python's clients are asked for; its own defaults would
break promises silently.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from types import SimpleNamespace
from typing import ClassVar, NoReturn

import kafka
import pytest
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import KafkaConnectionError
from kafka.future import Future
from kafka.producer.sender import Sender

from angarium.domain.errors import LogUnavailable
from angarium.domain.partitioning import partition_for
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.consumer import KafkaLogConsumer
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.engines.kafka.log import KafkaLog
from angarium.engines.kafka.patches.network_client import NetworkClient
from angarium.engines.kafka.topic_producer import TopicProducer
from angarium.engines.kafka.topic_reader import TopicReader
from angarium.ports.message_log import NewRecord
from tests.contract.ports.records import new_key

NOWHERE = KafkaConnectionSettings(("127.0.0.1:1",))
PARTITIONS = 12

Options = dict[str, object]


def asked(monkeypatch: pytest.MonkeyPatch, client: str, use: Callable[[], object]) -> Options:
    """Give the options with which a client of the library is made;
    there is no broker behind it.
    """
    found: Options = {}

    def refuse(**options: object) -> NoReturn:
        found.update(options)
        raise KafkaConnectionError

    monkeypatch.setattr(kafka, client, refuse)
    with pytest.raises(LogUnavailable):
        use()
    return found


def test_a_record_is_acknowledged_by_all_replicas_and_appended_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = asked(
        monkeypatch, "KafkaProducer", lambda: TopicProducer.connect(NOWHERE, "messages", 1)
    )
    assert options["acks"] == "all"
    assert options["enable_idempotence"] is True
    assert "retries" not in options, "the default is without an end; fewer switch idempotence off"
    assert options["max_in_flight_requests_per_connection"] in range(1, 6), (
        "more reorder what is sent again"
    )
    assert options["allow_auto_create_topics"] is False
    assert options["max_block_ms"] == 300, "the caller's thread waits for so long at most"


def test_where_a_group_goes_on_is_never_the_librarys_choice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = asked(
        monkeypatch,
        "KafkaConsumer",
        lambda: KafkaLogConsumer(NOWHERE, "messages", "router").poll(0),
    )
    assert options["group_id"] == "router"
    assert options["auto_offset_reset"] == "none"
    assert options["enable_auto_commit"] is False
    assert options["isolation_level"] == "read_committed"
    assert options["partition_assignment_strategy"] == [CooperativeStickyAssignor]
    assert options["fetch_max_bytes"] == 4 * 1024 * 1024, "what is fetched waits in memory"
    assert options["max_partition_fetch_bytes"] == 256 * 1024, "for each partition as much"
    assert options["session_timeout_ms"] == 10_000
    assert options["allow_auto_create_topics"] is False


def test_dead_letters_are_read_from_the_beginning_without_a_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    letters = KafkaDeadLetters(NOWHERE, "messages")
    try:
        options = asked(monkeypatch, "KafkaConsumer", lambda: letters.read(1))
    finally:
        letters.close()
    assert options["group_id"] is None
    assert options["auto_offset_reset"] == "earliest"
    assert options["enable_auto_commit"] is False
    assert options["isolation_level"] == "read_committed"


def test_a_topic_is_inspected_without_a_group_from_an_offset_that_is_chosen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reader = TopicReader(NOWHERE, "messages", 1)
    options = asked(monkeypatch, "KafkaConsumer", reader.ranges)
    assert options["group_id"] is None
    assert options["auto_offset_reset"] == "none"
    assert options["enable_auto_commit"] is False
    assert options["isolation_level"] == "read_committed"


@pytest.mark.parametrize(
    ("client", "use"),
    [
        ("KafkaProducer", lambda: TopicProducer.connect(NOWHERE, "messages", 1)),
        ("KafkaConsumer", lambda: KafkaLogConsumer(NOWHERE, "messages", "router").poll(0)),
        ("KafkaConsumer", lambda: TopicReader(NOWHERE, "messages", 1).ranges()),
    ],
    ids=["producer", "worker", "reader"],
)
def test_each_client_finds_a_broker_that_returns_and_creates_no_topic(
    monkeypatch: pytest.MonkeyPatch, client: str, use: Callable[[], object]
) -> None:
    options = asked(monkeypatch, client, use)
    assert options["reconnect_backoff_max_ms"] == 1_000
    assert options["bootstrap_timeout_ms"] == 1_500
    assert options["metadata_max_age_ms"] == 60_000
    assert options["allow_auto_create_topics"] is False
    assert options["metrics_enabled"] is False


class StandInProducer:
    """Takes the library's place where a producer finds its topic and
    sends to it; there is no broker.
    """

    sent: ClassVar[dict[bytes, int]] = {}

    def __init__(self, kafka_client: Callable[..., NetworkClient], **_options: object) -> None:
        self._client = kafka_client(bootstrap_servers="127.0.0.1:1")
        self._client.cluster.partitions_for_topic = lambda _topic: set(range(PARTITIONS))
        self._accumulator = SimpleNamespace(config={})
        self._sender = Sender(self._client, self._client.cluster, self._accumulator)
        self._transaction_manager = SimpleNamespace(has_fatal_error=lambda: False)

    def send(
        self,
        _topic: str,
        value: bytes,
        key: bytes,
        headers: Sequence[tuple[str, bytes]],
        partition: int,
    ) -> Future:
        self.sent[key] = partition
        return Future()

    def close(self, timeout: float) -> None:
        self._client.close()


def test_a_record_goes_to_the_partition_that_every_kafka_client_chooses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kafka, "KafkaProducer", StandInProducer)
    keys = [new_key() for _ in range(50)]
    with closing(KafkaLog(NOWHERE, "messages", PARTITIONS)) as log:
        log.wait_until_connected(30.0)
        for key in keys:
            log.append(NewRecord(key, b"value", {}))
    assert StandInProducer.sent == {key: partition_for(key, PARTITIONS) for key in keys}
    assert len(set(StandInProducer.sent.values())) > 1
