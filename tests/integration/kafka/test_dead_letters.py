import threading
import time
from contextlib import closing
from itertools import count

import pytest

from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka import dead_letters as dead_letter_topics
from angarium.engines.kafka.connection import KafkaConnectionSettings
from angarium.engines.kafka.dead_letters import KafkaDeadLetters
from angarium.ports.message_log import DeadLetter, Record
from tests.contract.ports.records import ANSWER_S
from tests.engines.kafka_topics import set_config

pytestmark = pytest.mark.engines

PATIENCE = 60.0


def test_what_a_broker_refuses_as_too_large_is_kept_without_its_value(
    connection: KafkaConnectionSettings, topic: str
) -> None:
    set_config(connection, f"{topic}.dead", "max.message.bytes", 1_048_588)
    give_up_at = time.monotonic() + PATIENCE
    with closing(KafkaDeadLetters(connection, topic)) as dead_letters:
        dead_letters.wait_until_connected(PATIENCE)
        kept = next(
            kept
            for offset in count()
            if (kept := keep(dead_letters, large(offset), give_up_at)).record.value is None
        )
    assert (kept.record.partition, kept.record.key, kept.record.headers) == (
        3,
        b"key",
        {"schema": b"1"},
    )
    assert "without its value (2000000 bytes)" in kept.detail


def test_one_is_found_part_by_part(
    connection: KafkaConnectionSettings, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letter_topics, "FOUND_AT_ONCE", 2)
    with closing(KafkaDeadLetters(connection, topic)) as dead_letters:
        dead_letters.wait_until_connected(PATIENCE)
        for offset in range(5):
            record = Record(3, offset, 1, b"key", b"value")
            dead_letters.append(DeadLetter("undecodable_event", "", record, "t1")).result(ANSWER_S)
        found = [dead_letters.find(3, offset) for offset in range(6)]
    assert [each and each.record.offset for each in found] == [0, 1, 2, 3, 4, None]


def large(offset: int) -> DeadLetter:
    record = Record(3, offset, 1, b"key", b"\xff" * 2_000_000, {"schema": b"1"})
    return DeadLetter("undecodable_event", "no JSON", record, "t1")


def keep(dead_letters: KafkaDeadLetters, letter: DeadLetter, give_up_at: float) -> DeadLetter:
    """Try until it is kept, as a worker does, and give what is read
    back.
    """
    pause = threading.Event()
    while time.monotonic() < give_up_at:
        try:
            dead_letters.append(letter).result(ANSWER_S)
        except LogUnavailable:
            pause.wait(0.1)
            continue
        (kept,) = dead_letters.read(1)
        assert kept.record.offset == letter.record.offset
        return kept
    raise AssertionError("it is not kept, or always kept whole")
