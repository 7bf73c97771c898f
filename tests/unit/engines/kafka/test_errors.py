import pytest
from kafka import errors

from angarium.domain.errors import LogUnavailable
from angarium.engines.kafka.errors import is_refused_for_good, translated


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


@pytest.mark.parametrize("error", [errors.KafkaTimeoutError("t"), OSError("t"), RuntimeError("t")], ids=repr)
def test_what_the_library_raises_becomes_an_outage_that_names_it(error: Exception) -> None:
    with (
        pytest.raises(LogUnavailable, match=f"trying: {type(error).__name__}") as outage,
        translated("trying"),
    ):
        raise error
    assert outage.value.__cause__ is error
