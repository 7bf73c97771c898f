"""Keeps one record that is too large from ending all sending.

Fault: a batch that is too large for its topic is halved, which is well.
A record that is alone in such a batch the library takes for the end of
the producer: every record that waits fails with it, of every user, and
nothing more is taken until there is another producer (docs/adr/0013).
True in: kafka-python 3.0.12.
Noticed by: `tests/unit/engines/kafka/patches/test_sender.py`, where the
answer of a broker has to reach what is overridden here, and the
library's own sender has to end in state FATAL.
The public way: `max_request_size` refuses large records before they are
sent, and is set; a topic may take less at any time, and no broker
tells.
Measured: in the test, the library's own sender takes nothing more after
one.
Mended upstream: delete this file, its test and `RecordRefused`, and the
call of `take_over` in `topic_producer.py`.
"""

from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from kafka.producer.producer_batch import ProducerBatch
from kafka.producer.sender import Sender

from angarium.engines.kafka.errors import RecordRefused
from angarium.engines.kafka.record_sizes import MAX_BATCH_BYTES

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class TolerantSender(Sender):  # type: ignore[misc]  # the library has no types
    """Fails a record that its topic refuses, and only that one.

    The broker has appended nothing of such a batch, so that the next
    one takes over its sequence numbers. An idempotent producer has one
    batch of a partition in flight at a time: none was numbered after
    it.
    """

    @classmethod
    def take_over(cls, producer: KafkaProducer) -> None:
        """Change the class of the sender of a producer.

        The library offers no way to choose another.

        Args:
            producer: Has not sent anything yet.
        """
        producer._sender.__class__ = cls

    def _dispatch_error(
        self, batch: ProducerBatch, exception: Exception, partition_response: object
    ) -> None:
        """Fail only the record that was refused for its size."""
        if not self._is_refused(batch, exception):
            super()._dispatch_error(batch, exception, partition_response)
            return
        topic_partition = batch.topic_partition
        self._transaction_manager.set_sequence_number(topic_partition, batch.base_sequence)
        refusal = RecordRefused(
            f"topic {topic_partition.topic!r} accepts no record of "
            f"{batch.records.size_in_bytes()} bytes: kafka-configs.sh --bootstrap-server "
            f"HOST:PORT --alter --topic {topic_partition.topic} "
            f"--add-config max.message.bytes={MAX_BATCH_BYTES}, or more"
        )
        if batch.complete_exceptionally(refusal, lambda _: refusal):
            self._maybe_remove_from_inflight_batches(batch)
            self._accumulator.deallocate(batch)
        self._accumulator.muted.discard(topic_partition)

    def _is_refused(self, batch: ProducerBatch, exception: Exception) -> bool:
        """Return whether a single record was certainly too large."""
        # An earlier attempt may have succeeded before the topic's limit
        # was lowered; its sequence numbers must not be used again.
        return (
            isinstance(exception, _TOO_LARGE)
            and batch.record_count == 1
            and batch.attempts == 0
            and bool(self._transaction_manager.producer_id_and_epoch.match(batch))
        )
