"""Every broken promise is found, and nothing else is."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from angarium.cli.verify.checks import Reading
from angarium.cli.verify.conversation_writer import ConversationWriter
from angarium.cli.verify.findings import Kind, Observation
from angarium.cli.verify.ledger import Ledger
from angarium.cli.verify.round_robin import RoundRobinClient
from tests.fakes.clock import ManualClock
from tests.unit.cli.verify.cluster import CONVERSATION, Cluster, FakeVerifyClient

URLS = ("http://one", "http://two")
MESSAGES = 250


class Verified:
    """A run on a fake cluster, up to its findings."""

    def __init__(self, cluster: Cluster) -> None:
        self.clock = ManualClock()
        self.cluster = cluster
        self.ledger = Ledger()
        self.record = self.ledger.begin(CONVERSATION, "alice", "bob", "0")
        clients = [FakeVerifyClient(url, cluster) for url in URLS]
        sender, recipient = (
            RoundRobinClient(clients, 60.0, self.clock.monotonic, self._pause) for _ in range(2)
        )
        self.writer = ConversationWriter(
            self.record, "run", self.ledger, sender, recipient, random.Random(1)
        )

    def write(self, messages: int = MESSAGES) -> "Verified":
        numbers = iter(range(messages))
        self.writer.write(lambda: next(numbers, None))
        return self

    def found(self) -> Counter[Kind]:
        reading = Reading(60.0, self.clock.monotonic, self.clock.sleep)
        clients = [FakeVerifyClient(url, self.cluster) for url in URLS]
        findings = reading.compare(self.record, clients, self.writer.observations)
        return Counter(
            each.kind
            for each in (*findings, *self.writer.findings, *self.writer.observations.findings)
        )

    def _pause(self, seconds: float) -> bool:
        self.clock.sleep(seconds)
        return False


def test_a_service_that_keeps_its_promises_has_no_findings() -> None:
    verified = Verified(Cluster()).write()
    assert verified.found() == {}
    assert len(verified.record.accepted) == MESSAGES
    assert MESSAGES / 4 < len(verified.record.confirmed) < MESSAGES * 3 / 4


@pytest.mark.parametrize("half_done", [False, True])
def test_requests_that_fail_are_made_again_with_their_id_and_are_no_finding(
    half_done: bool,
) -> None:
    cluster = Cluster(failing=lambda number: number % 3 != 0, half_done=half_done)
    verified = Verified(cluster).write()
    assert verified.found() == {}
    assert verified.writer.retries >= MESSAGES
    assert len(cluster.stored) == MESSAGES


def test_an_instance_that_is_down_while_another_one_answers_stops_nothing() -> None:
    cluster = Cluster(down={"http://one"})
    verified = Verified(cluster).write()
    cluster.down.clear()
    assert verified.found() == {}


@pytest.mark.parametrize("url", URLS)
def test_a_lost_message_is_found_at_whichever_reader(url: str) -> None:
    cluster = Cluster()
    verified = Verified(cluster).write()
    cluster.distort = lambda at, seen: seen[:7] + seen[8:] if at == url else seen
    assert verified.found() == {Kind.LOST: 1, Kind.DISAGREEING: 1}


def test_the_log_position_of_each_message_is_kept() -> None:
    record = Verified(Cluster()).write().record
    assert record.partition == 3
    assert list(record.offsets) == sorted(set(record.offsets))
    assert len(record.offsets) == len(record.accepted) == MESSAGES


def last_doubled(seen: list[Observation]) -> list[Observation]:
    return [*seen, seen[-1]]


def last_doubled_under_another_id(seen: list[Observation]) -> list[Observation]:
    return [*seen, replace(seen[-1], message_id="another")]


def two_swapped(seen: list[Observation]) -> list[Observation]:
    first, second = (
        replace(seen[5], timestamp=seen[6].timestamp),
        replace(seen[6], timestamp=seen[5].timestamp),
    )
    return [*seen[:5], second, first, *seen[7:]]


def two_timestamps_swapped(seen: list[Observation]) -> list[Observation]:
    first, second = (
        replace(seen[5], timestamp=seen[6].timestamp),
        replace(seen[6], timestamp=seen[5].timestamp),
    )
    return [*seen[:5], first, second, *seen[7:]]


def one_altered(seen: list[Observation]) -> list[Observation]:
    return [replace(seen[0], content="something else"), *seen[1:]]


@pytest.mark.parametrize(
    ("distortion", "kind"),
    [
        (last_doubled, Kind.DOUBLED),
        (last_doubled_under_another_id, Kind.DOUBLED),
        (two_swapped, Kind.REORDERED),
        (two_timestamps_swapped, Kind.REORDERED),
        (one_altered, Kind.ALTERED),
    ],
)
def test_what_every_reader_reads_wrong_is_found_at_each(
    distortion: Callable[[list[Observation]], list[Observation]], kind: Kind
) -> None:
    # Distorted from the beginning: then no message changes under its
    # readers, and this alone is found.
    cluster = Cluster(distort=lambda _, seen: distortion(seen) if len(seen) == MESSAGES else seen)
    verified = Verified(cluster)
    verified.writer.look = lambda: None  # type: ignore[method-assign]
    assert verified.write().found() == {kind: len(URLS)}


@pytest.mark.parametrize(
    "change",
    [
        lambda each: replace(each, status="SENT", delivered_at=None),
        lambda each: replace(each, status="PENDING"),
        lambda each: replace(each, delivered_at="2026-01-04T00:00:00.000Z"),
        lambda each: replace(each, timestamp="2026-01-02T00:00:00.000Z"),
    ],
)
def test_whatever_goes_back_while_the_run_lasts_is_found(
    change: Callable[[Observation], Observation],
) -> None:
    cluster = Cluster()
    verified = Verified(cluster).write(40)
    verified.found()
    assert verified.writer.observations.findings == []
    (index,) = [at for at, each in enumerate(cluster.stored) if each.status == "DELIVERED"][-1:]
    cluster.stored[index] = change(cluster.stored[index])
    assert verified.found()[Kind.FALLEN] >= 1


def test_a_fall_that_is_mended_before_the_end_is_found_too() -> None:
    cluster = Cluster()
    verified = Verified(cluster).write(40)
    verified.writer.look()
    kept = list(cluster.stored)
    cluster.stored = [replace(each, status="PENDING", delivered_at=None) for each in kept]
    verified.writer.look()
    cluster.stored = kept
    assert verified.found()[Kind.FALLEN] >= 1


def test_a_receipt_that_got_its_202_and_did_nothing_is_found() -> None:
    verified = Verified(Cluster(receipts=False)).write()
    assert verified.found() == {Kind.UNDELIVERED: len(URLS) * len(verified.record.confirmed)}


def test_readers_that_disagree_in_a_place_are_found() -> None:
    cluster = Cluster()
    cluster.distort = lambda at, seen: (
        seen
        if at == URLS[0]
        else [replace(each, timestamp="2026-01-02T00:00:00.000Z") for each in seen]
    )
    assert Verified(cluster).write().found()[Kind.DISAGREEING] == 1


def test_an_instance_that_does_not_come_back_is_told_as_unread() -> None:
    cluster = Cluster()
    verified = Verified(cluster).write()
    cluster.down.add(URLS[1])
    assert verified.found() == {Kind.UNREAD: 1}


def test_a_message_that_nobody_accepts_ends_the_writing_within_the_patience() -> None:
    verified = Verified(Cluster(failing=lambda number: number > 10))
    started = verified.clock.monotonic()
    assert verified.write().found() == {Kind.UNANSWERED: 1}
    assert verified.clock.monotonic() - started < 70
    assert len(verified.record.accepted) == 10
    assert len(verified.record.sent) == 11


def test_what_is_stored_late_is_waited_for() -> None:
    cluster = Cluster()
    verified = Verified(cluster).write()
    ready_at = verified.clock.monotonic() + 20
    cluster.distort = lambda _, seen: seen if verified.clock.monotonic() > ready_at else seen[:100]
    assert verified.found() == {}
