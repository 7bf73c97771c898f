"""Ends the thread of a producer that cannot send what it has.

Fault: a `close` that times out raises before it ends the sender's
thread, and every later one does the same, so that the thread, its
sockets and its records stay (docs/adr/0013).
True in: kafka-python 3.0.12.
Noticed by: `tests/unit/engines/kafka/patches/test_force_close.py`,
where the library's `close` still raises and leaves the thread.
The public way: a second `close`, also with a timeout of 0, raises
again; a short `delivery_timeout_ms` would end it, and with it the
producer id (docs/adr/0013, finding 1).
Measured: the thread still runs after two calls of `close`, in the test.
Mended upstream: delete this file and its test, and call only `close` in
`topic_producer.py`.
"""

from kafka import KafkaProducer


def force_close(producer: KafkaProducer) -> None:
    """End the sender's thread now; what it holds fails.

    Args:
        producer: One that is not needed any more.
    """
    producer._sender.force_close()
