import pytest
from kafka import errors

from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.errors import (
    RecordRefused,
    ends_the_producer,
    is_refused_for_good,
    translate,
)


@pytest.mark.parametrize(
    "error",
    [
        errors.RebalanceInProgressError(),
        errors.CommitFailedError(errors.RebalanceInProgressError()),
        errors.KafkaTimeoutError(),
        errors.CoordinatorNotAvailableError(),
        errors.KafkaConnectionError(),
        errors.GroupAuthorizationFailedError(),
        OSError(),
    ],
    ids=repr,
)
def test_a_commit_that_may_succeed_later_is_not_refused_for_good(error: Exception) -> None:
    assert not is_refused_for_good(error)


@pytest.mark.parametrize(
    "error",
    [
        errors.CommitFailedError(),
        errors.CommitFailedError(errors.UnknownMemberIdError()),
        errors.CommitFailedError(errors.IllegalGenerationError()),
        errors.FencedInstanceIdError(),
        errors.OffsetMetadataTooLargeError(),
    ],
    ids=repr,
)
def test_a_commit_without_a_hold_is_refused_for_good(error: Exception) -> None:
    assert is_refused_for_good(error)


@pytest.mark.parametrize(
    "error", [errors.KafkaTimeoutError("t"), OSError("t"), RuntimeError("t")], ids=repr
)
def test_what_the_library_raises_becomes_an_outage_that_names_it(error: Exception) -> None:
    with (
        pytest.raises(LogUnavailable, match=f"trying: {type(error).__name__}") as outage,
        translate("trying"),
    ):
        raise error
    assert outage.value.__cause__ is error


@pytest.mark.parametrize(
    "error",
    [
        errors.ClusterAuthorizationFailedError(),
        errors.TopicAuthorizationFailedError(),
        errors.MessageSizeTooLargeError(),
        errors.InvalidRecordError(),
    ],
    ids=repr,
)
def test_a_refusal_for_good_ends_a_producer(error: Exception) -> None:
    assert ends_the_producer(error)


@pytest.mark.parametrize(
    "error",
    [
        RecordRefused(),
        errors.KafkaTimeoutError(),
        errors.KafkaConnectionError(),
        errors.NotLeaderForPartitionError(),
        errors.OutOfOrderSequenceNumberError(),
        errors.UnknownProducerIdError(),
        errors.InvalidProducerEpochError(),
        RuntimeError(),
    ],
    ids=repr,
)
def test_a_producer_lives_through_what_it_repeats_or_begins_anew_after(error: Exception) -> None:
    assert not ends_the_producer(error)
