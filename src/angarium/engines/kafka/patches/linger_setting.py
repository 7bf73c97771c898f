"""Changes how long a producer's batches linger while it runs.

Fault: `linger_ms` is read once. What a record should wait depends on
whether others are to be expected: nothing when it is alone, longer
while the server is busy (docs/adr/0022).
True in: kafka-python 3.0.12, which has no way to change it.
Noticed by: `tests/unit/engines/kafka/patches/test_linger_setting.py`,
where the library's accumulator has to act on what is set.
The public way: `producer.config` is a copy that the library no longer
reads; a producer for each linger would tear a conversation's order
apart.
Measured: at 64 connections, five pairs of turns, 1.5 to 1.65 times as
many messages/s at 0.60 to 0.68 times the CPU each
(docs/performance.md).
Mended upstream: delete this file and its test, and set it publicly in
`topic_producer.py`.
"""

from collections.abc import Callable

from kafka import KafkaProducer


def linger_setter(producer: KafkaProducer) -> Callable[[float], None]:
    """Return a function that changes how long batches linger.

    Args:
        producer: The producer of the batches.

    Returns:
        Takes milliseconds; any thread may call it.
    """
    # Read again at each look at the batches.
    config = producer._accumulator.config
    return lambda milliseconds: config.update(linger_ms=milliseconds)
