"""Leaves a producer's sender alone while batches linger.

Fault: the producer wakes its sender for every batch that it begins,
which is as many times as there are partitions before the first of them
may be sent. Each look costs as much as several records, and takes the
interpreter from the server's thread (docs/adr/0022).
True in: kafka-python 3.0.12.
Noticed by: `tests/unit/engines/kafka/patches/test_sender_client.py`,
where the library's producer has to call what is overridden here.
The public way: none. `linger_ms` says when a batch is sent, not when
the sender looks, and no setting keeps it asleep.
Measured: at 64 connections 2,509 messages/s instead of 2,078, and 0.37
CPU-s per 1,000 instead of 0.47 (docs/performance.md).
Mended upstream: delete this file and its test, and give `BackoffClient`
to the producer.
"""

from collections.abc import Callable
from math import inf

from angarium.clock import Clock, SystemClock
from angarium.engines.kafka.adaptive_linger import LINGER_MS, AdaptiveLinger
from angarium.engines.kafka.patches.connection_delay import BackoffClient


class SenderClient(BackoffClient):
    """Wakes the sender only when it would look too late by itself.

    Attributes:
        linger: How long batches linger now.
    """

    def __init__(self, clock: Clock | None = None, **configs: object) -> None:
        """Start with a sender that has not looked yet.

        Args:
            clock: Of the linger; the system's when None.
            **configs: Settings that the library passes.
        """
        super().__init__(**configs)
        self._clock = clock or SystemClock()
        self.linger = AdaptiveLinger(self._clock)
        self._set_linger: Callable[[float], None] = lambda _: None
        self._current_linger_ms = LINGER_MS
        self._wakes_at = 0.0
        self._wakeup_requested = False

    def steer(self, set_linger: Callable[[float], None]) -> None:
        """Choose how the producer learns how long batches linger.

        Args:
            set_linger: Takes milliseconds; called on the sender's
                thread.
        """
        self._set_linger = set_linger

    def poll(self, timeout_ms: float | None = None, future: object = None) -> None:
        """Wait for answers or a wake-up; called on the sender's thread.

        Args:
            timeout_ms: Maximum wait in milliseconds; None for no limit.
            future: Ends the wait as well.
        """
        # First publish when the sender wakes, then read whether a
        # record arrived since the last look: the threads that send do
        # the two in the other order, so one of both sees the other.
        self._wakes_at = inf if timeout_ms is None else self._clock.monotonic() + timeout_ms / 1000
        lingers = self.linger.milliseconds()
        if (self._wakeup_requested or lingers < self._current_linger_ms) and (
            timeout_ms is None or timeout_ms > lingers
        ):
            timeout_ms = lingers
        try:
            super().poll(timeout_ms, future)
        finally:
            self._wakes_at = 0.0
            self._wakeup_requested = False
            self._current_linger_ms = self.linger.milliseconds()
            self._set_linger(self._current_linger_ms)

    def wakeup(self) -> None:
        """Wake the sender, if a new batch would linger too long."""
        self._wakeup_requested = True
        self._wake_within(self.linger.milliseconds())

    def idle_hint(self) -> None:
        """Wake the sender if records linger for nothing."""
        if self.linger.idle_hint():
            self._wake_within(self.linger.milliseconds())

    def _wake_within(self, milliseconds: float) -> None:
        """Wake the sender if it would sleep longer than this."""
        if self._wakes_at > self._clock.monotonic() + milliseconds / 1000:
            self._wakes_at = 0.0
            super().wakeup()
