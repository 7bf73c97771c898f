from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from angarium.domain.errors import LogUnavailable, RecordTooLarge
from angarium.engines.kafka import pending_appends
from angarium.engines.kafka.errors import RecordRefused
from angarium.engines.kafka.pending_appends import SWEEP_S, PendingAppends
from angarium.ports.message_log import Appended
from tests.fakes.clock import ManualClock

ANSWER_S = 30.0


@dataclass
class Outcomes:
    passes: list[int] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)

    def record_success(self, partition: int) -> None:
        self.passes.append(partition)

    def record_failure(self, partition: int) -> None:
        self.failures.append(partition)


@dataclass(frozen=True)
class Metadata:
    partition: int
    offset: int
    timestamp: int


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


@pytest.fixture
def flight(clock: ManualClock, outcomes: Outcomes) -> Iterator[PendingAppends]:
    with closing(PendingAppends(4, 2, outcomes, clock, timeout_s=1.0)) as opened:
        yield opened


def test_an_acknowledged_record_has_its_place(flight: PendingAppends, outcomes: Outcomes) -> None:
    sent = flight.begin(3)
    sent.succeed(Metadata(3, 17, 1_700))
    assert sent.future.result(0) == Appended(3, 17, 1_700)
    assert outcomes == Outcomes(passes=[3])


def test_a_record_without_an_answer_is_given_up_when_its_time_is_over(
    flight: PendingAppends, clock: ManualClock, outcomes: Outcomes
) -> None:
    sent = flight.begin(3)
    clock.advance(1.0)
    assert isinstance(sent.future.exception(ANSWER_S), LogUnavailable)
    assert outcomes.failures == [3]


def test_a_record_has_all_its_time_whatever_became_of_the_one_before(
    flight: PendingAppends, clock: ManualClock, outcomes: Outcomes
) -> None:
    first = flight.begin(3)
    clock.advance(0.6)
    second = flight.begin(2)
    clock.advance(0.6)
    first.future.exception(ANSWER_S)
    with pytest.raises(TimeoutError):
        second.future.exception(4 * SWEEP_S)
    second.succeed(Metadata(2, 17, 1_700))
    assert second.future.result(0).offset == 17
    assert outcomes == Outcomes(passes=[2], failures=[3])


def test_what_was_given_up_counts_until_the_library_lets_it_go(
    flight: PendingAppends, clock: ManualClock
) -> None:
    sent = [flight.begin(0), flight.begin(0)]
    clock.advance(1.0)
    for each in sent:
        each.future.exception(ANSWER_S)
    assert flight.count_waiting(0) == 2
    with pytest.raises(LogUnavailable, match="2 records already wait"):
        flight.begin(1)
    sent[0].succeed(Metadata(0, 1, 1))
    assert flight.count_waiting(0) == 1
    flight.begin(1)


def test_a_late_acknowledgement_changes_no_answer_and_tells_that_the_partition_is_back(
    flight: PendingAppends, clock: ManualClock, outcomes: Outcomes
) -> None:
    sent = flight.begin(0)
    clock.advance(1.0)
    assert isinstance(sent.future.exception(ANSWER_S), LogUnavailable)
    sent.succeed(Metadata(0, 5, 5))
    assert isinstance(sent.future.exception(0), LogUnavailable)
    assert outcomes.passes == [0]


def test_the_library_s_failure_becomes_an_outage(
    flight: PendingAppends, outcomes: Outcomes
) -> None:
    sent = flight.begin(1)
    sent.fail(KafkaTimeoutError("late"))
    assert isinstance(sent.future.exception(0), LogUnavailable)
    assert outcomes.failures == [1]
    assert flight.count_waiting(1) == 0


def test_an_acknowledgement_without_a_place_is_no_acknowledgement(flight: PendingAppends) -> None:
    sent = flight.begin(1)
    sent.succeed(Metadata(1, -1, -1))
    assert isinstance(sent.future.exception(0), LogUnavailable)


def test_closing_answers_everybody(flight: PendingAppends) -> None:
    sent = flight.begin(0)
    flight.close()
    assert isinstance(sent.future.exception(0), LogUnavailable)


def test_a_caller_that_went_away_disturbs_nobody(flight: PendingAppends) -> None:
    sent = flight.begin(0)
    assert sent.future.cancel()
    sent.succeed(Metadata(0, 1, 1))
    assert flight.count_waiting(0) == 0


def test_records_of_too_many_bytes_are_not_held(
    flight: PendingAppends, outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending_appends, "MAX_BYTES", 1_000)
    alone = flight.begin(0, 5_000)
    with pytest.raises(LogUnavailable, match="5,000 bytes already wait"):
        flight.begin(0, 1)
    alone.fail(KafkaTimeoutError())
    flight.begin(0, 900)
    with pytest.raises(LogUnavailable, match="900 bytes already wait"):
        flight.begin(0, 101)
    flight.begin(0, 100)
    assert outcomes.failures == [0]


def test_a_record_that_is_refused_for_its_size_is_not_there_and_its_partition_answers(
    flight: PendingAppends, outcomes: Outcomes
) -> None:
    sent = flight.begin(3)
    sent.fail(RecordRefused("topic 'messages' accepts no record of 9 bytes"))
    assert isinstance(sent.future.exception(0), RecordTooLarge)
    assert outcomes == Outcomes(passes=[3])
    assert flight.count_waiting(3) == 0


def test_a_refusal_for_size_that_an_earlier_try_may_have_passed_is_not_certain(
    flight: PendingAppends, outcomes: Outcomes
) -> None:
    sent = flight.begin(3)
    sent.fail(MessageSizeTooLargeError())
    assert type(sent.future.exception(0)) is LogUnavailable
    assert outcomes == Outcomes(failures=[3])


def test_a_record_that_is_too_large_to_be_sent_says_nothing_of_its_partition(
    flight: PendingAppends, outcomes: Outcomes
) -> None:
    flight.completed(flight.begin(3), RecordTooLarge("too large"))
    assert outcomes == Outcomes()
    assert flight.count_waiting(3) == 0
