"""Connects a producer in the background; replaces one that failed."""

import threading
from collections.abc import Callable

from angarium import backoff, logs
from angarium.domain.errors import LogUnavailable, SetupError
from angarium.engines.kafka.topic_producer import TopicProducer
from angarium.threads import NamedThread

REPLACE_S = 10.0
"""After this time without any acknowledgement a producer is replaced:
whatever its state (fenced, its thread ended), a new one starts clean as
soon as a broker answers.
"""

MIN_PRODUCER_S = 1.0
"""Minimum lifetime of a producer: a fault that ends every producer at
once causes no more than one in this time.
"""

_LOOK_S = 0.5
"""Time between two looks at the producer's health."""

_CLOSE_S = 1.0
"""Maximum time for sending what is left at the end. The thread may be
connecting, which takes up to 3 s, so it gets four times as long.
"""

_RETRY_S = 1.0
"""Maximum delay between two attempts to connect: recovery in 5 s."""

_log = logs.get("angarium.engines.kafka")


class ProducerSupervisor:
    """Keeps a connected producer, so that no sender waits for one."""

    def __init__(
        self,
        connect: Callable[[], TopicProducer],
        failing_for: Callable[[], float],
        replaced: Callable[[], None],
    ) -> None:
        """Start the thread that connects.

        Args:
            connect: Creates a producer, or raises LogUnavailable or
                SetupError.
            failing_for: Returns for how many seconds records have
                failed.
            replaced: Called after a new producer has taken the place of
                another.
        """
        self._connect = connect
        self._failing_for = failing_for
        self._replaced = replaced
        self._producer: TopicProducer | None = None
        self._reason = "still connecting"
        self._repeats = logs.Repeats()
        self._tried = threading.Event()
        self._made = threading.Event()
        self._closing = threading.Event()
        self._thread = NamedThread(target=self._run, name="kafka-producer", daemon=True)
        self._thread.start()

    @property
    def live(self) -> TopicProducer:
        """The connected producer.

        Raises:
            LogUnavailable: There is none now.
        """
        producer = self._producer
        if producer is None:
            raise LogUnavailable(f"no connection to Kafka: {self._reason}")
        return producer

    def idle_hint(self) -> None:
        """Pass the hint on to the producer, if there is one."""
        producer = self._producer
        if producer is not None:
            producer.idle_hint()

    def wait_until_tried(self, seconds: float) -> None:
        """Wait for the first producer or the first failure to connect.

        Args:
            seconds: Maximum wait.
        """
        self._tried.wait(seconds)

    def wait_until_made(self, seconds: float) -> None:
        """Wait for the first producer.

        Args:
            seconds: Maximum wait.
        """
        self._made.wait(seconds)

    def close(self) -> None:
        """End the thread and the producer; safe to repeat."""
        self._closing.set()
        self._thread.join(_CLOSE_S * 4)
        producer, self._producer = self._producer, None
        self._reason = "the log is closed"
        if producer is not None:
            producer.close(_CLOSE_S)

    def _run(self) -> None:
        """Check the producer twice a second; replace it if needed."""
        delays = backoff.delays(most=_RETRY_S)
        while not self._closing.is_set():
            if self._is_healthy(self._producer):
                delays = backoff.delays(most=_RETRY_S)
                self._closing.wait(_LOOK_S)
            else:
                self._closing.wait(MIN_PRODUCER_S if self._try_replace() else next(delays))

    def _is_healthy(self, producer: TopicProducer | None) -> bool:
        """Return whether a producer exists and records get through."""
        return producer is not None and not producer.has_failed and self._failing_for() < REPLACE_S

    def _try_replace(self) -> bool:
        """Return whether a new producer connected; log a failure."""
        try:
            self._replace()
        except Exception as error:  # noqa: BLE001 - logged; a thread that ends here would never connect again
            self._log_failure(error)
            return False
        return True

    def _replace(self) -> None:
        """Connect a new producer, publish it, then end the old one."""
        producer = self._connect()
        old, self._producer = self._producer, producer
        self._replaced()
        self._made.set()
        self._tried.set()
        _log.info(
            "kafka_connected",
            "A producer is connected and has found its topic.",
            replaced=old is not None,
        )
        if old is not None:
            old.close(0.0)

    def _log_failure(self, error: Exception) -> None:
        """Log why connecting failed, and tell later senders."""
        self._reason = str(error)
        if isinstance(error, SetupError):
            _log.limited_error(
                self._repeats, "wrong_topic", str(error), error_type=type(error).__name__
            )
        elif isinstance(error, LogUnavailable):
            _log.limited_warning(
                self._repeats, "kafka_unreachable", str(error), error_type=type(error).__name__
            )
        else:
            self._reason = f"connecting failed with {type(error).__name__}"
            _log.limited_error(
                self._repeats,
                "connect_failed",
                "Connecting failed unexpectedly.",
                error,
            )
        self._tried.set()
