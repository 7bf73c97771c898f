import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import cast

import pytest

from angarium.domain.errors import LogUnavailable, SetupError
from angarium.engines.kafka.producer_supervisor import (
    MIN_PRODUCER_S,
    REPLACE_S,
    ProducerSupervisor,
)
from angarium.engines.kafka.topic_producer import TopicProducer
from tests.unit.services.log_lines import captured


class Producer:
    """Stands for a connected producer; knows only whether it failed and
    whether it was closed.
    """

    def __init__(self, has_failed: bool) -> None:
        self.has_failed = has_failed
        self.closed = threading.Event()

    def close(self, _seconds: float) -> None:
        self.closed.set()


class Brokers:
    """Hand out producers, or fail for as long as they are away."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.silence = 0.0
        self.fail_producers = False
        self.made: list[Producer] = []
        self.replacements = 0
        self.failed = 0

    def connect(self) -> TopicProducer:
        if self.failure is not None:
            self.failed += 1
            raise self.failure
        self.made.append(Producer(self.fail_producers))
        return cast("TopicProducer", self.made[-1])

    def replaced(self) -> None:
        self.replacements += 1
        self.silence = 0.0


@pytest.fixture
def brokers() -> Brokers:
    return Brokers()


@pytest.fixture
def open_link(brokers: Brokers) -> Iterator[Callable[[], ProducerSupervisor]]:
    links: list[ProducerSupervisor] = []

    def make() -> ProducerSupervisor:
        links.append(
            ProducerSupervisor(brokers.connect, lambda: brokers.silence, brokers.replaced)
        )
        return links[-1]

    yield make
    for link in links:
        link.close()


def wait_for(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30.0
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < give_up_at
        pause.wait(0.01)


def test_brokers_that_are_away_are_asked_again_until_they_are_back(
    brokers: Brokers, open_link: Callable[[], ProducerSupervisor]
) -> None:
    brokers.failure = LogUnavailable("nobody there")
    link = open_link()
    link.wait_until_tried(30.0)
    with pytest.raises(LogUnavailable, match="nobody there"):
        _ = link.live
    brokers.failure = None
    link.wait_until_made(30.0)
    assert link.live is cast("TopicProducer", brokers.made[0])


def test_a_topic_that_does_not_fit_is_told_to_every_sender(
    brokers: Brokers, open_link: Callable[[], ProducerSupervisor]
) -> None:
    brokers.failure = SetupError("12 partitions, not 6")
    link = open_link()
    link.wait_until_tried(30.0)
    with pytest.raises(LogUnavailable, match="12 partitions, not 6"):
        _ = link.live


def test_whatever_connecting_raises_it_is_tried_again(
    brokers: Brokers, open_link: Callable[[], ProducerSupervisor]
) -> None:
    brokers.failure = KeyError("unforeseen")
    link = open_link()
    link.wait_until_tried(30.0)
    with pytest.raises(LogUnavailable, match="KeyError"):
        _ = link.live
    brokers.failure = None
    link.wait_until_made(30.0)
    assert link.live is cast("TopicProducer", brokers.made[0])


def test_a_producer_that_is_silent_for_too_long_is_replaced_and_closed(
    brokers: Brokers, open_link: Callable[[], ProducerSupervisor]
) -> None:
    link = open_link()
    link.wait_until_made(30.0)
    brokers.silence = REPLACE_S
    wait_for(lambda: brokers.replacements == 2)
    assert link.live is cast("TopicProducer", brokers.made[1])
    assert brokers.made[0].closed.wait(30.0)


def test_a_producer_that_has_failed_is_replaced_and_closed(
    brokers: Brokers, open_link: Callable[[], ProducerSupervisor]
) -> None:
    link = open_link()
    link.wait_until_made(30.0)
    brokers.made[0].has_failed = True
    wait_for(lambda: brokers.replacements == 2)
    assert link.live is cast("TopicProducer", brokers.made[1])
    assert brokers.made[0].closed.wait(30.0)


def test_what_fails_every_producer_does_not_make_one_after_the_other(
    brokers: Brokers, open_link: Callable[[], ProducerSupervisor]
) -> None:
    brokers.fail_producers = True
    began = time.monotonic()
    open_link()
    wait_for(lambda: brokers.replacements == 3)
    assert time.monotonic() - began >= 2 * MIN_PRODUCER_S


def test_a_silent_producer_is_kept_until_there_is_another(
    brokers: Brokers, open_link: Callable[[], ProducerSupervisor]
) -> None:
    link = open_link()
    link.wait_until_made(30.0)
    brokers.failure = LogUnavailable("nobody there")
    brokers.silence = REPLACE_S
    wait_for(lambda: brokers.failed >= 2)
    assert link.live is cast("TopicProducer", brokers.made[0])
    assert not brokers.made[0].closed.is_set()


def test_closing_closes_the_producer(brokers: Brokers) -> None:
    with closing(ProducerSupervisor(brokers.connect, lambda: 0.0, brokers.replaced)) as link:
        link.wait_until_made(30.0)
    assert brokers.made[0].closed.is_set()
    with pytest.raises(LogUnavailable, match="closed"):
        _ = link.live


@pytest.mark.parametrize(
    ("failure", "action", "level"),
    [
        (LogUnavailable("no broker answers"), "kafka_unreachable", "WARNING"),
        (SetupError("3 partitions, not 12"), "wrong_topic", "ERROR"),
        (KeyError("unforeseen"), "connect_failed", "ERROR"),
    ],
)
def test_what_goes_on_is_told_once_in_a_while(
    brokers: Brokers,
    open_link: Callable[[], ProducerSupervisor],
    failure: Exception,
    action: str,
    level: str,
) -> None:
    brokers.failure = failure
    with captured() as lines:
        open_link()
        wait_for(lambda: len(lines.of(action)) >= 4)
        assert lines.levels(action)[:4] == [level, "DEBUG", "DEBUG", "DEBUG"]
