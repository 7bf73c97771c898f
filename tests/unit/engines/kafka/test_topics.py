import pytest

from angarium.domain.errors import LogUnavailable, SetupError
from angarium.engines.kafka.topics import TopicVerification
from tests.unit.services.log_lines import captured


class Topics:
    """Stands for topics that agree, differ, or cannot be asked."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.asked = 0

    def verify(self) -> None:
        self.asked += 1
        if self.failure is not None:
            raise self.failure


@pytest.mark.parametrize(
    "failure", [LogUnavailable("away"), SetupError("CreateTime, not LogAppendTime")]
)
def test_topics_are_asked_until_they_agree_and_then_never_again(failure: Exception) -> None:
    topics = Topics(failure)
    check = TopicVerification(topics.verify)
    for _ in range(2):
        with pytest.raises(type(failure), match=str(failure)):
            check.verify()
    topics.failure = None
    for _ in range(3):
        check.verify()
        check.ensure()
    assert topics.asked == 3


def test_topics_that_differ_are_told_and_cannot_be_used() -> None:
    check = TopicVerification(Topics(SetupError("CreateTime, not LogAppendTime")).verify)
    with captured() as lines, pytest.raises(LogUnavailable, match="CreateTime, not LogAppendTime"):
        check.ensure()
    assert len(lines.of("wrong_topic")) == 1
