"""What the client library cannot decode, in front of records that are
well.
"""

from contextlib import closing
from dataclasses import replace

import kafka
import pytest

from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.engines.kafka.log import KafkaLog
from angarium.ports.message_log import DeadLetter, Record
from tests.contract.ports.records import ANSWER_S, append
from tests.engines.kafka_server import KafkaServer
from tests.integration.kafka.appends import key_of
from tests.integration.kafka.conftest import PARTITIONS, OpenReading
from tests.integration.kafka.raw_batches import Change, damage, in_lz4, produce, with_an_odd_header

pytestmark = pytest.mark.engines


def let_producers_compress(connection: KafkaConnectionSettings, topic: str) -> None:
    """Make the topic one that keeps what producers send, as those are
    that nobody has set up for it.
    """
    resource = kafka.admin.ConfigResource(
        kafka.admin.ConfigResourceType.TOPIC, topic, configs={"compression.type": "producer"}
    )
    with closing(kafka.KafkaAdminClient(**connection.options())) as administrator:
        administrator.alter_configs([resource])


def of_partition(records: list[Record], partition: int) -> list[Record]:
    return [record for record in records if record.partition == partition]


@pytest.mark.parametrize(("change", "said"), [(in_lz4, "lz4"), (with_an_odd_header, "header")])
def test_what_another_producer_sends_comes_with_the_reason_and_stops_nobody(
    connection: KafkaConnectionSettings,
    topic: str,
    log: KafkaLog,
    read: OpenReading,
    change: Change,
    said: str,
) -> None:
    let_producers_compress(connection, topic)
    produce(connection, topic, [b"first", b"second"], change)
    append(log, "behind", key_of(0, PARTITIONS))
    append(log, "elsewhere", key_of(1, PARTITIONS))
    reading = read()
    reading.until(lambda: {b"behind", b"elsewhere"} <= set(reading.values()))
    *odd, behind = of_partition(reading.records, 0)
    assert (behind.offset, behind.problem) == (2, None)
    assert odd[-1].offset == 1
    assert all(said in (record.problem or "") for record in odd)
    assert b"second" in (odd[-1].value or b"")
    assert not reading.lost
    reading.commit(behind, watermark=5)


def test_a_batch_that_the_disk_has_damaged_comes_with_its_offsets_and_stops_nobody(
    connection: KafkaConnectionSettings,
    topic: str,
    log: KafkaLog,
    read: OpenReading,
    kafka_server: KafkaServer,
) -> None:
    append(log, "before", key_of(0, PARTITIONS))
    produce(connection, topic, [b"a damaged value", b"its neighbour"], lambda batch: batch)
    append(log, "behind", key_of(0, PARTITIONS))
    damage(kafka_server, topic, 0, b"a damaged value")
    reading = read()
    reading.until(lambda: b"behind" in reading.values())
    before, broken, behind = reading.records
    assert (before.offset, broken.offset, behind.offset) == (0, 2, 3)
    assert "offsets 1 to 2" in (broken.problem or "")
    assert b"its neighbour" in (broken.value or b"")
    assert not reading.lost


@pytest.mark.parametrize("change", [in_lz4, with_an_odd_header])
def test_what_cannot_be_decoded_among_the_dead_letters_hides_none_of_them(
    connection: KafkaConnectionSettings, topic: str, change: Change
) -> None:
    let_producers_compress(connection, f"{topic}.dead")
    letter = DeadLetter("undecodable_event", "no JSON", Record(3, 7, 1, b"key", b"{"), "t1")
    with closing(KafkaDeadLetters(connection, topic)) as dead_letters:
        dead_letters.wait_until_connected(ANSWER_S)
        dead_letters.append(letter).result(ANSWER_S)
        produce(connection, f"{topic}.dead", [b"odd", b"odder"], change)
        dead_letters.append(replace(letter, trace_id="t2")).result(ANSWER_S)
        assert [each.trace_id for each in dead_letters.read(10)] == ["t2", "t1"]


def test_what_another_producer_compresses_is_kept_in_a_form_that_can_be_read(
    connection: KafkaConnectionSettings, topic: str, read: OpenReading
) -> None:
    produce(connection, topic, [b"first", b"second"], in_lz4)
    records = read().until_all(2)
    assert [(record.value, record.problem) for record in records] == [
        (b"first", None),
        (b"second", None),
    ]
