"""What senders hear while brokers are away, and that nothing is needed
to come back.
"""

import threading
import time
from concurrent.futures import wait
from contextlib import closing
from uuid import uuid4

import kafka
import pytest

from angarium import deadline
from angarium.domain.errors import LogUnavailable, RecordTooLarge
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.log import KafkaLog
from angarium.ports.message_log import Appended, NewRecord
from tests.contract.ports.records import append, new_key
from tests.engines.kafka_server import KafkaServer
from tests.engines.kafka_topics import make_topics, set_config
from tests.integration.kafka.appends import (
    ANSWER_S,
    cpu_seconds,
    keep_trying,
    try_to_append,
    until_taken,
)
from tests.integration.kafka.conftest import PARTITIONS, OpenLog, OpenReading

pytestmark = pytest.mark.engines

IDLE_S = 3.0
IDLE_SHARE = 0.25
"""Of one core; a client that spins takes 0.8 and more."""


@pytest.mark.parametrize(
    "seconds",
    [pytest.param(2.5, marks=pytest.mark.short), pytest.param(6.0, marks=pytest.mark.long)],
)
def test_a_silent_broker_is_told_within_the_bound_and_recovery_needs_nobody(
    kafka_server: KafkaServer, log: KafkaLog, seconds: float
) -> None:
    append(log, "before", new_key())
    kafka_server.freeze()
    answers = keep_trying(log, seconds)
    kafka_server.resume()
    assert answers
    assert not [answer for answer in answers if isinstance(answer, Appended)]
    until_taken(log)


def test_a_dead_broker_is_told_within_the_bound_at_little_cost_and_recovery_needs_nobody(
    kafka_server: KafkaServer, log: KafkaLog, connection: KafkaConnectionSettings, topic: str
) -> None:
    append(log, "before", new_key())
    kafka_server.kill()
    assert idle_cpu_seconds(log) < IDLE_SHARE * IDLE_S
    answers = keep_trying(log, 3.0)
    with closing(KafkaLog(connection, topic, PARTITIONS)) as late:
        answers += keep_trying(late, 2.0)
        kafka_server.start()
        assert answers
        assert all(isinstance(answer, LogUnavailable) for answer in answers)
        until_taken(log)
        until_taken(late)


def test_a_broker_that_dies_while_the_first_record_is_on_its_way_is_told_within_the_bound(
    kafka_server: KafkaServer, open_log: OpenLog
) -> None:
    log = open_log()
    kafka_server.freeze()
    assert isinstance(try_to_append(log, "first"), LogUnavailable)


def test_a_silent_broker_costs_next_to_no_cpu(kafka_server: KafkaServer, log: KafkaLog) -> None:
    append(log, "before", new_key())
    kafka_server.freeze()
    assert idle_cpu_seconds(log) < IDLE_SHARE * IDLE_S


def idle_cpu_seconds(log: KafkaLog) -> float:
    """Tell what it costs to wait with many records that were
    given up.
    """
    wait([log.append(NewRecord(new_key(), b"v", {})) for _ in range(200)])
    idle = threading.Event()
    return cpu_seconds(lambda: idle.wait(IDLE_S))


def test_records_in_flight_are_bounded_and_the_next_one_is_refused_at_once(
    kafka_server: KafkaServer, open_log: OpenLog
) -> None:
    log = open_log(limit=5)
    append(log, "before", new_key())
    kafka_server.freeze()
    futures = [log.append(NewRecord(new_key(), b"v", {})) for _ in range(5)]
    with pytest.raises(LogUnavailable, match="5 records already wait"):
        log.append(NewRecord(new_key(), b"one too many", {}))
    assert all(isinstance(future.exception(ANSWER_S), LogUnavailable) for future in futures)
    kafka_server.resume()
    until_taken(log)


def test_a_silent_partition_refuses_at_once_after_the_first_failure(
    kafka_server: KafkaServer, log: KafkaLog
) -> None:
    key = new_key()
    append(log, "before", key)
    kafka_server.freeze()
    assert isinstance(try_to_append(log, "first", key), LogUnavailable)
    answers = [try_to_append(log, f"{number}", key) for number in range(3)]
    assert any("has just failed to answer" in str(answer) for answer in answers)


def test_a_record_that_was_given_up_is_there_once_at_most(
    kafka_server: KafkaServer, log: KafkaLog, read: OpenReading
) -> None:
    key = new_key()
    append(log, "before", key)
    kafka_server.freeze()
    value = uuid4().hex
    future = log.append(NewRecord(key, value.encode(), {}))
    assert isinstance(future.exception(ANSWER_S), LogUnavailable)
    assert len(keep_trying(log, 4.0, "other")) > 0  # the library repeats the first one meanwhile
    kafka_server.resume()
    until_taken(log, "the end")
    append(log, "behind it", key)
    reading = read()
    reading.until(lambda: b"behind it" in reading.values())
    assert reading.values().count(value.encode()) <= 1


def test_a_retry_of_what_was_given_up_is_taken(kafka_server: KafkaServer, log: KafkaLog) -> None:
    key = new_key()
    append(log, "before", key)
    kafka_server.freeze()
    first = log.append(NewRecord(key, b"m", {}))
    assert isinstance(first.exception(ANSWER_S), LogUnavailable)
    kafka_server.resume()
    assert until_taken(log, "m").offset >= 0


def test_the_check_tells_a_silent_broker_within_the_deadline(
    kafka_server: KafkaServer, log: KafkaLog
) -> None:
    log.check()
    kafka_server.freeze()
    started = time.monotonic()
    with deadline.within(1.0), pytest.raises(LogUnavailable):
        log.check()
    assert time.monotonic() - started < ANSWER_S


def test_closing_during_an_outage_is_bounded_and_answers_everybody(
    kafka_server: KafkaServer, open_log: OpenLog
) -> None:
    log = open_log()
    append(log, "before", new_key())
    kafka_server.freeze()
    future = log.append(NewRecord(new_key(), b"v", {}))
    started = time.monotonic()
    log.close()
    log.close()
    assert time.monotonic() - started < 8.0
    assert isinstance(future.exception(0), LogUnavailable)
    assert not [
        thread.name for thread in threading.enumerate() if thread.name.startswith("angarium-")
    ]
    with pytest.raises(LogUnavailable, match="closed"):
        log.append(NewRecord(new_key(), b"v", {}))


def test_what_is_on_its_way_is_sent_before_closing(open_log: OpenLog) -> None:
    log = open_log()
    futures = [log.append(NewRecord(new_key(), b"v", {})) for _ in range(100)]
    log.close()
    assert all(future.exception(0) is None for future in futures)


def test_records_are_durable_with_and_without_idle_hints(log: KafkaLog) -> None:
    log.idle_hint()
    log.idle_hint()
    futures = [log.append(NewRecord(new_key(), b"before a hint", {})) for _ in range(20)]
    log.idle_hint()
    futures += [log.append(NewRecord(new_key(), b"before none", {})) for _ in range(20)]
    assert all(future.result(ANSWER_S).offset >= 0 for future in futures)


def test_a_topic_that_vanishes_is_told_at_once_and_may_come_back(
    kafka_server: KafkaServer, connection: KafkaConnectionSettings, topic: str, log: KafkaLog
) -> None:
    append(log, "before", new_key())
    with closing(kafka.KafkaAdminClient(**connection.options())) as administrator:
        administrator.delete_topics([topic])
    give_up_at = time.monotonic() + 30.0
    while "no longer exists" not in str(try_to_append(log, "v")):
        assert time.monotonic() < give_up_at
    make_topics(connection, topic, PARTITIONS)
    until_taken(log, seconds=30.0)


def test_a_record_that_a_broker_refuses_for_good_stops_the_others_for_moments_only(
    connection: KafkaConnectionSettings, topic: str, log: KafkaLog
) -> None:
    append(log, "before", new_key())
    set_config(connection, topic, "max.message.bytes", 1000)
    give_up_at = time.monotonic() + 30.0
    while not isinstance(try_to_append(log, "large" * 1_000), RecordTooLarge):
        assert time.monotonic() < give_up_at
    until_taken(log)


def test_another_number_of_partitions_is_refused_with_what_to_do(
    connection: KafkaConnectionSettings, topic: str
) -> None:
    with closing(KafkaLog(connection, topic, PARTITIONS + 1)) as log:
        with pytest.raises(LogUnavailable, match=f"ANGARIUM_PARTITIONS={PARTITIONS}"):
            log.check()
        with pytest.raises(LogUnavailable, match=f"ANGARIUM_PARTITIONS={PARTITIONS}"):
            log.append(NewRecord(new_key(), b"v", {}))
