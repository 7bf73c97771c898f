"""Keeps one record that is too large from ending everybody's sending.

Fault: a batch that is too large for its topic is halved, which is well.
A record that is alone in such a batch the library takes for the end of
the producer: every record that waits fails with it, of whomever, and
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
    """Gives up a record that its topic does not take, and goes on with
    the others.

    The broker has appended nothing of such a batch, so that the next
    one takes over its sequence numbers. An idempotent producer has one
    batch of a partition under way at a time: none was numbered after.
    """

    @classmethod
    def take_over(cls, producer: KafkaProducer) -> None:
        """Mend the sender that the library has made; it offers no way
        to choose another.

        Args:
            producer: Which has not sent anything.
        """
        producer._sender.__class__ = cls

    def _dispatch_error(
        self, batch: ProducerBatch, exception: Exception, partition_response: object
    ) -> None:
        """Decide what becomes of a batch that failed."""
        if not self._is_refused(batch, exception):
            super()._dispatch_error(batch, exception, partition_response)
            return
        topic_partition = batch.topic_partition
        self._transaction_manager.set_sequence_number(topic_partition, batch.base_sequence)
        refusal = RecordRefused(
            f"topic {topic_partition.topic!r} takes no record of {batch.records.size_in_bytes()} "
            "bytes: "
            f"kafka-configs.sh --alter --topic {topic_partition.topic} "
            f"--add-config max.message.bytes={MAX_BATCH_BYTES}, or more"
        )
        if batch.complete_exceptionally(refusal, lambda _: refusal):
            self._maybe_remove_from_inflight_batches(batch)
            self._accumulator.deallocate(batch)
        self._accumulator.muted.discard(topic_partition)

    def _is_refused(self, batch: ProducerBatch, exception: Exception) -> bool:
        """Return whether it is sure that a batch with a single record
        was refused for its size.
        """
        # An earlier attempt may have got through before the topic was
        # told to take less; its numbers must not be given to others.
        return (
            isinstance(exception, _TOO_LARGE)
            and batch.record_count == 1
            and batch.attempts == 0
            and bool(self._transaction_manager.producer_id_and_epoch.match(batch))
        )
