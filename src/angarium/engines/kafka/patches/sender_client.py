"""Lets a producer's sender look only when records may leave.

Fault: the producer wakes its sender for every batch that it begins,
which is as many times as there are partitions before the first of them
may be sent. It looks after each request and each response, too. Each
look costs as much as several records, and takes the interpreter from
the server's thread. And `linger_ms` is read once, and counts from a
batch's first record, though what a record should wait depends on
whether others are to be expected (docs/adr/0022).
True in: kafka-python 3.0.12.
Noticed by: `tests/unit/engines/kafka/patches/test_sender_client.py`,
where the library's producer and sender have to call what is overridden
here.
The public way: none. `linger_ms` says when a batch is sent, not when
the sender looks, no setting keeps it asleep, and `producer.config` is a
copy that the library no longer reads.
Measured: 230 looks a second instead of 730 at 500 records/s
(docs/adr/0022); docs/performance.md has what it brought.
Mended upstream: delete this file and its test, give `BackoffClient` to
the producer, and set the linger in `topic_producer.py`.
"""

from math import inf

from kafka.protocol.producer import ProduceRequest

from angarium.clock import Clock, SystemClock
from angarium.engines.kafka.adaptive_linger import AdaptiveLinger
from angarium.engines.kafka.patches.connection_delay import BackoffClient


class SenderClient(BackoffClient):
    """Lets the sender look only when records may leave.

    Attributes:
        linger: When the records that wait may leave.
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
        self._wakes_at = 0.0
        self._wakeup_requested = False

    def send(self, node_id: object, request: object, **options: object) -> object:
        """Send a request; called on the sender's thread.

        Args:
            node_id: The broker's id.
            request: The library's request.
            **options: What the library adds.

        Returns:
            The library's future of the answer.
        """
        if isinstance(request, ProduceRequest):
            self.linger.records_left()
        return super().send(node_id, request, **options)

    def poll(self, timeout_ms: float | None = None, future: object = None) -> None:
        """Take answers, and wait until records may leave.

        Called on the sender's thread.

        Args:
            timeout_ms: Maximum wait in milliseconds before it is
                checked whether records may leave; None for no limit.
            future: Ends this wait as well.
        """
        clock = self._clock
        # First publish when the sender wakes, then read what the
        # threads that send have noted: they do the two in the other
        # order, so one of both sees the other.
        self._wakes_at = inf if timeout_ms is None else clock.monotonic() + timeout_ms / 1000
        try:
            super().poll(0 if self._wakeup_requested else timeout_ms, future)
            while True:
                self._wakes_at = inf
                self._wakes_at = self.linger.due_at()
                left_ms = (self._wakes_at - clock.monotonic()) * 1000
                if left_ms <= 0:
                    return
                super().poll(left_ms)
        finally:
            self._wakes_at = 0.0
            self._wakeup_requested = False

    def wakeup(self) -> None:
        """Wake the sender, if it sleeps while records may leave."""
        self._wakeup_requested = True
        self._wake_when_due()

    def idle_hint(self) -> None:
        """Wake the sender if records linger for nothing."""
        if self.linger.idle_hint():
            self._wake_when_due()

    def _wake_when_due(self) -> None:
        """Wake the sender if it would sleep longer than records may."""
        if self._wakes_at > max(self.linger.due_at(), self._clock.monotonic()):
            self._wakes_at = 0.0
            super().wakeup()
