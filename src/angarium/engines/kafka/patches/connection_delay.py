"""Keeps a producer's sender from spinning while brokers are away.

Fault: the sender asks its network client for the delay until a
connection may be tried, and takes the answer for milliseconds, though
it is in seconds, and 0 for a connection that is being made. While a
broker is silent it looks again and again (docs/adr/0013).
True in: kafka-python 3.0.12.
Noticed by: `tests/unit/engines/kafka/patches/test_connection_delay.py`,
where the library's sender has to ask what is overridden here, and its
own client has to answer in seconds.
The public way: none. The one setting of delays, `reconnect_backoff_ms`,
does not count while a connection is being made.
Measured: 1.3 s of CPU in 1.5 s beside a broker that takes connections
and stays silent; 0.01 s with this.
Mended upstream: delete this file and its test, and let `SenderClient`
extend `NetworkClient`.
"""

from angarium.engines.kafka.patches.network_client import NetworkClient

PAUSE_MS = 50.0
"""The sender's minimum pause before it looks again at a broker that is
not ready.
"""


class BackoffClient(NetworkClient):
    """A producer's network client whose sender waits between looks."""

    def connection_delay(self, node_id: object) -> float:
        """Return how long the sender leaves a broker alone.

        Args:
            node_id: The broker's id.

        Returns:
            Milliseconds, at least PAUSE_MS.
        """
        seconds: float = super().connection_delay(node_id)
        return max(PAUSE_MS, seconds * 1000)
