"""Using the topics only once they were found to be as the settings say."""

import threading
from collections.abc import Callable

from angarium import logs
from angarium.domain.errors import LogUnavailable, SetupError

_log = logs.get("angarium.kafka")


class TopicVerification:
    """Compares the topics with the settings until they agree, which is then remembered; used by any thread.

    A process that starts while Kafka is away could not compare them, and does so before it uses them.
    """

    def __init__(self, verify: Callable[[], None]) -> None:
        """Say how to compare.

        Args:
            verify: Raises SetupError for a difference, LogUnavailable when no broker answers.
        """
        self._verify = verify
        self._lock = threading.Lock()
        self._passed = False
        self._repeats = logs.Repeats()

    def verify(self) -> None:
        """Compare, unless they agreed before.

        Raises:
            SetupError: The topics differ.
            LogUnavailable: No broker answers.
        """
        with self._lock:
            if not self._passed:
                self._verify()
                self._passed = True

    def ensure(self) -> None:
        """Compare as above, for a caller to whom topics that differ are a log that cannot be used.

        Raises:
            LogUnavailable: The topics differ, which is also told here, or no broker answers.
        """
        try:
            self.verify()
        except SetupError as error:
            _log.limited_error(self._repeats, "wrong_topic", str(error), error_type=type(error).__name__)
            raise LogUnavailable(str(error)) from error
